/** The definitions in a request. */
import type { Definition } from '#domain/definitions/model.ts';
import { readDefinition } from '#domain/definitions/parse.ts';
import { fail, MillraceError, type Problem } from '#domain/errors.ts';

/** Problems whose messages are in the message of the refusal; all are in its details. */
const SHOWN = 5;
const MAX_NAME = 80;

/** How messages name a definition: by kind and name, or by its index if it has none. */
const labelOf = (value: unknown, i: number): string => {
  const { kind, name } = (value ?? {}) as { readonly kind?: unknown; readonly name?: unknown };
  return typeof kind === 'string' &&
    typeof name === 'string' &&
    name.length < MAX_NAME &&
    kind.length < MAX_NAME
    ? `${kind} ${JSON.stringify(name)}`
    : `definitions[${i}]`;
};

/**
 * @throws MR_BODY_TOO_LARGE above the limit; else one refusal with the problems of all definitions,
 * and the code of the first
 */
export const definitionsOf = (values: readonly unknown[], limit: number): readonly Definition[] => {
  if (values.length > limit)
    fail('MR_BODY_TOO_LARGE', `${values.length} definitions in one request: at most ${limit}`, {
      limit,
    });
  const problems: Problem[] = [];
  const definitions = values.map((value, i) => {
    const read = readDefinition(value, labelOf(value, i));
    problems.push(...read.problems);
    return read.definition;
  });
  const [first] = problems;
  if (first === undefined) return definitions;
  const more = problems.length > SHOWN ? ` And ${problems.length - SHOWN} more.` : '';
  const shown = problems.slice(0, SHOWN).map((problem) => problem.message);
  throw new MillraceError(first.code, shown.join(' ') + more, { problems });
};
