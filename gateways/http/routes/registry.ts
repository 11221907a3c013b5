import type { CommandRequest } from '#domain/api/registry.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { readDefinition } from '#domain/definitions/parse.ts';
import { fail, MillraceError, type Problem } from '#domain/errors.ts';
import { callerOf } from '../caller.ts';
import { kindOf, optionalWholeNumber, pageLimit, wholeNumber } from '../parameters.ts';
import type { Routes } from '../route.ts';
import {
  answers,
  anything,
  applyResult,
  catalogEntry,
  closed,
  commandResult,
  flag,
  lineageEvents,
  lineageGraph,
  list,
  planResult,
  record,
  text,
} from '../schemas.ts';

const SHOWN = 5;
const SHOWN_NAME = 80;

/**
 * How messages call a definition: as its file does, not by where it stands in a list that no person
 * made.
 */
const labelOf = (value: unknown, i: number): string => {
  const { kind, name } = (value ?? {}) as { readonly kind?: unknown; readonly name?: unknown };
  return typeof kind === 'string' &&
    typeof name === 'string' &&
    name.length < SHOWN_NAME &&
    kind.length < SHOWN_NAME
    ? `${kind} ${JSON.stringify(name)}`
    : `definitions[${i}]`;
};

/** All definitions with a sound shape, or one refusal that lists what is wrong with all of them. */
const definitionsOf = (values: readonly unknown[], limit: number): readonly Definition[] => {
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

export const registryRoutes: Routes = (app, { platform, limits }) => {
  const definitions = list(record);
  app.post<{ Body: CommandRequest }>(
    '/v1/commands',
    {
      schema: {
        tags: ['registry'],
        summary: 'Send one command to the registry',
        body: closed(
          {
            type: text,
            data: anything,
            expectedVersion: { type: 'integer', minimum: 0 },
            reason: text,
            force: flag,
          },
          ['type', 'data'],
        ),
        response: answers(200, commandResult),
      },
    },
    (request) => platform.registry.command(request.body, callerOf(request)),
  );

  app.post<{ Body: { definitions: unknown[] } }>(
    '/v1/plan',
    {
      schema: {
        tags: ['registry'],
        summary: 'What applying these definitions would change, and what it costs',
        body: closed({ definitions }, ['definitions']),
        response: answers(200, planResult),
      },
    },
    (request) =>
      platform.registry.plan(
        definitionsOf(request.body.definitions, limits.definitions),
        callerOf(request),
      ),
  );

  app.post<{ Body: { definitions: unknown[]; reason?: string; force?: boolean } }>(
    '/v1/apply',
    {
      schema: {
        tags: ['registry'],
        summary: 'Change the registry to these definitions',
        body: closed({ definitions, reason: text, force: flag }, ['definitions']),
        response: answers(200, applyResult),
      },
    },
    (request) => {
      const { definitions: values, ...options } = request.body;
      return platform.registry.apply(
        definitionsOf(values, limits.definitions),
        options,
        callerOf(request),
      );
    },
  );

  const schema = (summary: string, answer: typeof record) => ({
    schema: { tags: ['registry'], summary, response: answers(200, answer) },
  });
  app.get<{ Params: { kind: string } }>(
    '/v1/registry/:kind',
    schema('All of a kind', list(catalogEntry)),
    (request) => platform.registry.list(kindOf(request.params.kind), callerOf(request)),
  );
  app.get<{ Params: { kind: string; name: string } }>(
    '/v1/registry/:kind/:name',
    schema('The newest version', catalogEntry),
    (request) =>
      platform.registry.show(
        kindOf(request.params.kind),
        request.params.name,
        undefined,
        callerOf(request),
      ),
  );
  app.get<{ Params: { kind: string; name: string; n: string } }>(
    '/v1/registry/:kind/:name/versions/:n',
    schema('One version', catalogEntry),
    (request) => {
      const { kind, name, n } = request.params;
      return platform.registry.show(
        kindOf(kind),
        name,
        wholeNumber('version', n, 1),
        callerOf(request),
      );
    },
  );
  app.get<{ Querystring: { q?: string } }>(
    '/v1/search',
    {
      schema: {
        tags: ['registry'],
        summary: 'Search names, descriptions, owners, tags',
        querystring: closed({ q: text }, ['q']),
        response: answers(200, list(catalogEntry)),
      },
    },
    (request) => platform.registry.search(request.query.q ?? '', callerOf(request)),
  );
  app.get<{ Querystring: { name?: string } }>(
    '/v1/lineage',
    {
      schema: {
        tags: ['registry'],
        summary: 'What comes from what',
        querystring: closed({ name: text }),
        response: answers(200, lineageGraph),
      },
    },
    (request) => platform.registry.lineage(request.query.name, callerOf(request)),
  );
  app.get<{ Querystring: { after?: string; limit?: string } }>(
    '/v1/lineage/events',
    {
      schema: {
        tags: ['registry'],
        summary: 'OpenLineage events, oldest first; go on with `after` set to `next`',
        querystring: closed({ after: text, limit: text }),
        response: answers(200, lineageEvents),
      },
    },
    (request) => {
      const after = optionalWholeNumber('after', request.query.after);
      const limit = pageLimit(request.query.limit);
      const query = {
        ...(after === undefined ? {} : { after }),
        ...(limit === undefined ? {} : { limit }),
      };
      return platform.registry.lineageEvents(query, callerOf(request));
    },
  );
};
