/**
 * The registry's decisions: (state of the stream, command, facts from elsewhere) → events, or a
 * problem. Pure. Decisions on generations are in `decide-generation.ts`.
 */
import type { Definition, Kind } from '#domain/definitions/model.ts';
import type { Problem } from '#domain/errors.ts';
import { canonical } from '#domain/expressions/canonical.ts';
import { finalProblem } from './change.ts';
import type { RegistryCommand } from './commands.ts';
import {
  beingFilled,
  changeGeneration,
  generationFilled,
  nextGeneration,
  ownGeneration,
  startReplay,
} from './decide-generation.ts';
import {
  accept,
  type Decision,
  type DecisionContext,
  refuse,
  stillUsed,
  unconsentedProblem,
} from './decision.ts';
import { REGISTERED, type RegistryEvent } from './events.ts';
import { nextVersion } from './facts.ts';
import { liveGeneration, newestVersion, type RegistryState } from './state.ts';

const withoutUndefined = (definition: Definition): Definition =>
  JSON.parse(JSON.stringify(definition)) as Definition;

const registered = (
  definition: Definition,
  version: number,
  planHash: string | null,
  forced: readonly string[] = [],
): RegistryEvent =>
  ({
    type: REGISTERED[definition.kind],
    data: {
      version,
      definition,
      ...(planHash === null ? {} : { planHash }),
      ...(forced.length === 0 ? {} : { forced }),
    },
  }) as RegistryEvent;

const wrong = (problems: readonly [Problem, ...(readonly Problem[])]): Decision => ({
  outcome: 'refused',
  problem:
    problems.length === 1
      ? problems[0]
      : { ...problems[0], details: { ...problems[0].details, problems } },
});

const someWrong = (problems: readonly Problem[]): problems is readonly [Problem, ...Problem[]] =>
  problems.length > 0;

const register = (
  state: RegistryState,
  command: Extract<RegistryCommand, { type: 'Register' }>,
  context: DecisionContext,
): Decision => {
  const definition = withoutUndefined(command.definition);
  if (someWrong(context.problems)) return wrong(context.problems);
  const { kind, name } = definition;
  const before = newestVersion(state);
  if (before === null) {
    const version = nextVersion(0, command.version);
    const first = registered(definition, version, context.planHash);
    if (kind !== 'feature-view') return accept(first);
    if (context.lacking !== null) return { outcome: 'refused', problem: context.lacking };
    return accept(first, ownGeneration(1, version, context.now));
  }
  const isRetired = state.status === 'retired';
  if (isRetired && command.restore !== true) {
    return refuse(
      'MR_REFUSED',
      `${kind} "${name}" is retired: restore it before revising it, or use another name`,
    );
  }
  if (isRetired && context.lacking !== null)
    return { outcome: 'refused', problem: context.lacking };
  const restored: readonly RegistryEvent[] = isRetired
    ? [{ type: 'DefinitionRestored', data: { kind, name } }]
    : [];
  if (canonical(before.definition) === canonical(definition)) return accept(...restored);
  const { change } = context;
  if (change?.cost === 'breaking') {
    const final = finalProblem(definition, change);
    if (final !== null) return { outcome: 'refused', problem: final };
    if (command.force && context.unconsented.length > 0)
      return {
        outcome: 'refused',
        problem: unconsentedProblem(`${kind} "${name}"`, context.unconsented),
      };
    if (!command.force) {
      return refuse(
        'MR_INCOMPATIBLE_REVISION',
        `${kind} "${name}": ${change.breaks.join('; ')}. Keep what readers use, or apply with --force and --reason`,
        {
          fields: change.fields,
        },
      );
    }
    if (command.reason === null || command.reason.trim() === '') {
      return refuse(
        'MR_REASON_REQUIRED',
        `${kind} "${name}" would break a reader (${change.breaks.join('; ')}): --force needs a --reason`,
      );
    }
  }
  const version = nextVersion(before.version, command.version);
  const events = [
    ...restored,
    registered(definition, version, context.planHash, change?.breaks ?? []),
  ];
  if (kind !== 'feature-view') return accept(...events);
  const current = liveGeneration(state) ?? beingFilled(state);
  if (current === null && context.lacking !== null)
    return { outcome: 'refused', problem: context.lacking };
  if (current === null)
    return accept(...events, ownGeneration(nextGeneration(state), version, context.now));
  if (context.planHashOf(current.version) !== context.planHash) return accept(...events);
  return accept(...events, {
    type: 'GenerationAdopted',
    data: { generation: current.generation, version },
  });
};

const VERBS = {
  Deprecate: { from: ['active'], event: 'DefinitionDeprecated', done: 'deprecated' },
  Restore: { from: ['deprecated', 'retired'], event: 'DefinitionRestored', done: 'active' },
  Retire: { from: ['active', 'deprecated'], event: 'DefinitionRetired', done: 'retired' },
} as const;

const changeStatus = (
  state: RegistryState,
  command: { readonly type: keyof typeof VERBS; readonly kind: Kind; readonly name: string },
  context: DecisionContext,
): Decision => {
  const { kind, name, type } = command;
  if (state.status === 'absent') return refuse('MR_NOT_FOUND', `there is no ${kind} "${name}"`);
  const verb = VERBS[type];
  if (!(verb.from as readonly string[]).includes(state.status))
    return refuse(
      'MR_REFUSED',
      verb.done === state.status
        ? `${kind} "${name}" is ${state.status} already`
        : `${kind} "${name}" is ${state.status}: it cannot be ${type.toLowerCase()}d`,
    );
  if (type === 'Retire' && context.dependents.length > 0) {
    return stillUsed(`${kind} "${name}"`, context.dependents);
  }
  // The definitions that it refers to may have been retired in the meantime.
  if (state.status === 'retired' && someWrong(context.problems)) return wrong(context.problems);
  // So may events, while no generation of the view held them back.
  if (state.status === 'retired' && context.lacking !== null)
    return { outcome: 'refused', problem: context.lacking };
  return accept({ type: verb.event, data: { kind, name } });
};

export const decide = (
  state: RegistryState,
  command: RegistryCommand,
  context: DecisionContext,
): Decision => {
  switch (command.type) {
    case 'Register':
      return register(state, command, context);
    case 'Deprecate':
    case 'Restore':
    case 'Retire':
      return changeStatus(
        state,
        { type: command.type, kind: command.kind, name: command.name },
        context,
      );
    case 'StartReplay':
      return startReplay(state, command, context);
    case 'PromoteReplay':
    case 'RollbackReplay':
    case 'AbandonReplay':
    case 'RetireReplay':
      return changeGeneration(
        state,
        { type: command.type, view: command.view, generation: command.generation },
        context,
      );
    case 'SystemGenerationFilled':
      return generationFilled(state, command.generation, context);
    case 'SystemGenerationFailed': {
      const filling = state.generations.some(
        (g) => g.generation === command.generation && g.state === 'filling',
      );
      return filling
        ? accept({
            type: 'GenerationFailed',
            data: { generation: command.generation, error: command.error, at: context.now },
          })
        : accept();
    }
  }
};
