/**
 * `plan` and `apply`: what a set of definitions would change, and the commands that change it, in
 * dependency order. The whole set is checked before the first command; applying the same set again
 * executes no command.
 *
 * Each definition is checked twice: here, as part of the set, before anything changes; and when its
 * command is decided, on the catalog of that time, because other callers may have changed it since.
 */

import type { Caller } from '#domain/api/caller.ts';
import type { ApplyResult, PlannedChange, PlanResult } from '#domain/api/registry.ts';
import { checkDuplicates } from '#domain/definitions/check.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { MillraceError, type Problem } from '#domain/errors.ts';
import { canonical } from '#domain/expressions/canonical.ts';
import { REGISTRY_TOPIC } from '#domain/ports/topics.ts';
import { finalProblem } from '#domain/registry/change.ts';
import { newestVersion } from '#domain/registry/state.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { inDependencyOrder } from '#projections/catalog/references.ts';
import type { CommandBus } from './command-bus.ts';
import { factsOf } from './registering.ts';

export const planDefinitions = (
  catalog: Catalog,
  definitions: readonly Definition[],
): PlanResult => {
  const duplicates = checkDuplicates(definitions);
  const changes = inDependencyOrder(definitions).map((definition): PlannedChange => {
    const { kind, name } = definition;
    const facts = factsOf(catalog, definition, {
      batch: definitions,
      assumed: definitions,
    });
    const problems = [
      ...duplicates.filter((p) => p.details?.kind === kind && p.details.name === name),
      ...facts.problems,
    ];
    const stream = catalog.stream(kind, name);
    const before = stream === null ? null : newestVersion(stream.state);
    if (before === null)
      return { kind, name, action: 'create', cost: 'none', fields: [], notes: [], problems };
    const plain = JSON.parse(JSON.stringify(definition)) as Definition;
    if (canonical(before.definition) === canonical(plain))
      return { kind, name, action: 'unchanged', cost: 'none', fields: [], notes: [], problems };
    const { change } = facts;
    return {
      kind,
      name,
      action: 'revise',
      cost: change?.cost ?? 'none',
      fields: change?.fields ?? [],
      notes: change?.notes ?? [],
      problems,
    };
  });
  return { changes };
};

const refuse = (problems: readonly Problem[]): never => {
  const [first] = problems as [Problem];
  const more =
    problems.length > 1
      ? ` (and ${problems.length - 1} more problem${problems.length > 2 ? 's' : ''})`
      : '';
  throw new MillraceError(first.code, `${first.message}${more}`, { ...first.details, problems });
};

export interface ApplyOptions {
  readonly reason?: string;
  readonly force?: boolean;
}

export const applyDefinitions = async (
  catalog: Catalog,
  bus: Pick<CommandBus, 'execute'>,
  definitions: readonly Definition[],
  options: ApplyOptions,
  caller: Caller,
): Promise<ApplyResult> => {
  const plan = planDefinitions(catalog, definitions);
  const problems = plan.changes.flatMap((change) => change.problems);
  if (problems.length > 0) refuse(problems);
  const breaking = plan.changes.filter((change) => change.cost === 'breaking');
  if (breaking.length > 0 && options.force !== true) {
    const [first] = breaking as [PlannedChange];
    throw new MillraceError(
      'MR_INCOMPATIBLE_REVISION',
      `${first.kind} "${first.name}" would break a reader: ${first.notes.join('; ')}`,
      { changes: breaking },
    );
  }
  if (breaking.length > 0 && (options.reason ?? '').trim() === '') {
    throw new MillraceError(
      'MR_REASON_REQUIRED',
      `${breaking.map((c) => `${c.kind} "${c.name}"`).join(', ')} would break a reader: --force needs a --reason`,
    );
  }
  for (const definition of breaking.length > 0 ? definitions : []) {
    const { change } = factsOf(catalog, definition, { batch: definitions, assumed: definitions });
    const final = change === null ? null : finalProblem(definition, change);
    if (final !== null) refuse([final]);
  }
  let applied = 0;
  let position = `${REGISTRY_TOPIC}@0:${catalog.position()}`;
  for (const definition of inDependencyOrder(definitions)) {
    const change = plan.changes.find(
      (c) => c.kind === definition.kind && c.name === definition.name,
    );
    if (change?.action === 'unchanged') continue;
    const { reason, force = false } = options;
    const result = await bus.execute(
      { type: 'Register', definition, force, reason: reason ?? null },
      { batch: definitions, ...(reason === undefined ? {} : { reason }) },
      caller,
    );
    if (result.events.length > 0) applied++;
    position = result.position;
  }
  return { ...plan, applied, position };
};
