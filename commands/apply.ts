/**
 * `apply`: the commands that make the registry what a set of definitions says, in dependency order.
 * The whole set is checked before the first command; applying the same set again executes no
 * command.
 *
 * Each definition is checked twice: in the plan, as part of the set, before anything changes; and
 * when its command is decided, on the catalog of that time, because other callers may have changed
 * it since.
 */

import type { Caller } from '#domain/api/caller.ts';
import type {
  ApplyOptions,
  ApplyResult,
  Consent,
  MayBreak,
  PlannedChange,
} from '#domain/api/registry.ts';
import { approvalProblem, type Requirements } from '#domain/approval/requirements.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { MillraceError, type Problem } from '#domain/errors.ts';
import { REGISTRY_TOPIC } from '#domain/ports/topics.ts';
import { finalProblem } from '#domain/registry/change.ts';
import type { RegistryCommand } from '#domain/registry/commands.ts';
import { unconsentedProblem } from '#domain/registry/decision.ts';
import { streamOf } from '#domain/registry/events.ts';
import { factsOf } from '#domain/registry/facts.ts';
import { planDefinitions } from '#domain/registry/plan.ts';
import { downstreamOf, inDependencyOrder } from '#domain/registry/references.ts';
import { overlay } from '#domain/registry/registered.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { approvalOfChange, approvalOfRetirement } from './approval-needs.ts';
import type { CommandBus } from './command-bus.ts';

const refuse = (problems: readonly Problem[]): never => {
  const [first] = problems as [Problem];
  const more =
    problems.length > 1
      ? ` (and ${problems.length - 1} more problem${problems.length > 2 ? 's' : ''})`
      : '';
  throw new MillraceError(first.code, `${first.message}${more}`, { ...first.details, problems });
};

const refuseUnforced = (changes: readonly PlannedChange[], options: ApplyOptions): void => {
  const breaking = changes.filter((change) => change.cost === 'breaking');
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
};

/**
 * A few breaking changes cannot be forced, and some not by this caller.
 * @throws the first such problem
 */
export const refuseFinal = (
  catalog: Catalog,
  definitions: readonly Definition[],
  mayBreak: MayBreak = () => true,
): void => {
  for (const definition of definitions) {
    const { change } = factsOf(catalog, definition, { batch: definitions, assumed: definitions });
    const final = change === null ? null : finalProblem(definition, change);
    if (final !== null) refuse([final]);
    const unconsented = (change?.broken ?? []).filter((id) => !mayBreak(id));
    if (unconsented.length > 0)
      refuse([unconsentedProblem(`${definition.kind} "${definition.name}"`, unconsented)]);
  }
};

/** Refused before the first command: a request is proposed as a whole. */
const refuseUnapproved = (
  catalog: Catalog,
  requirements: Requirements,
  definitions: readonly Definition[],
  changes: readonly PlannedChange[],
): void => {
  for (const definition of requirements.size === 0 ? [] : definitions) {
    const { change } = factsOf(catalog, definition, { batch: definitions, assumed: definitions });
    const need = approvalOfChange(catalog, requirements, definition, change);
    if (need !== null) refuse([approvalProblem(need)]);
  }
  for (const { action, kind, name } of changes) {
    if (action !== 'retire') continue;
    const need = approvalOfRetirement(catalog, requirements, streamOf(kind, name));
    if (need !== null) refuse([approvalProblem(need)]);
  }
};

export const applyDefinitions = async (
  catalog: Catalog,
  bus: Pick<CommandBus, 'execute' | 'requirements' | 'limits'>,
  definitions: readonly Definition[],
  options: ApplyOptions & Consent,
  caller: Caller,
): Promise<ApplyResult> => {
  const plan = planDefinitions(catalog, definitions, options, bus.limits);
  const problems = plan.changes.flatMap((change) => change.problems);
  if (problems.length > 0) refuse(problems);
  refuseUnforced(plan.changes, options);
  if (plan.changes.some((change) => change.cost === 'breaking'))
    refuseFinal(catalog, definitions, options.mayBreak);
  if (caller.approval === undefined)
    refuseUnapproved(catalog, bus.requirements(), definitions, plan.changes);
  const { reason, force = false, exported = [] } = options;
  const changeOf = new Map(
    plan.changes.map((change) => [streamOf(change.kind, change.name), change]),
  );
  const exportedAs = new Map(exported.map((of) => [streamOf(of.kind, of.name), of]));
  let applied = 0;
  let position = `${REGISTRY_TOPIC}@0:${catalog.position()}`;

  const execute = async (command: RegistryCommand): Promise<boolean> => {
    const because = {
      ...(reason === undefined ? {} : { reason }),
      ...(options.mayBreak === undefined ? {} : { mayBreak: options.mayBreak }),
    };
    const result = await bus.execute(command, { batch: definitions, ...because }, caller);
    position = result.position;
    return result.events.length > 0;
  };

  const register = async (definition: Definition): Promise<void> => {
    const { kind, name } = definition;
    const id = streamOf(kind, name);
    const { action = 'unchanged' } = changeOf.get(id) ?? {};
    if (action === 'unchanged') return;
    const as = exportedAs.get(id);
    const changed = await execute({
      type: 'Register',
      definition,
      force,
      reason: reason ?? null,
      restore: action === 'restore',
      ...(as === undefined ? {} : { version: as.version }),
    });
    const status = catalog.stream(kind, name)?.state.status;
    const followed =
      as !== undefined &&
      as.status !== status &&
      (await execute({ type: as.status === 'active' ? 'Restore' : 'Deprecate', kind, name }));
    if (changed || followed) applied++;
  };

  let toRetire = plan.changes.filter(({ action }) => action === 'retire');
  /** Retires those that nothing registered refers to, readers first. */
  const retire = async (): Promise<void> => {
    const left: PlannedChange[] = [];
    for (const change of toRetire) {
      const { kind, name } = change;
      if (downstreamOf(overlay(catalog, []).all(), streamOf(kind, name)).length > 0)
        left.push(change);
      else if (await execute({ type: 'Retire', kind, name })) applied++;
    }
    toRetire = left;
  };

  // First what reads features that a revision removes; last what only revisions release.
  await retire();
  for (const definition of inDependencyOrder(definitions)) await register(definition);
  await retire();
  return { ...plan, applied, position };
};
