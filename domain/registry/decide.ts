/**
 * The registry's decisions: (state of the stream, command, what is known of the others) → events,
 * or a problem. Pure.
 */

import type { Definition, Kind } from '#domain/definitions/model.ts';
import type { ErrorCode, Problem } from '#domain/errors.ts';
import { canonical } from '#domain/expressions/canonical.ts';
import type { RegistryCommand } from './commands.ts';
import type { Change } from './diff.ts';
import { REGISTERED, type RegistryEvent } from './events.ts';
import {
  type GenerationRecord,
  liveGeneration,
  newestVersion,
  type RegistryState,
} from './state.ts';

/** Facts from outside the stream. */
export interface DecisionContext {
  /** epoch ms */
  readonly now: number;
  /** of a definition to register or to restore: what is wrong with it */
  readonly problems: readonly Problem[];
  /** of a revision: what changes and what that costs */
  readonly change: Change | null;
  /** of a feature view to register */
  readonly planHash: string | null;
  /**
   * what is not retired and refers to what is to be retired: to this definition, or to the version
   * of this generation; as kind/name
   */
  readonly dependents: readonly string[];
}

export type Decision =
  | { readonly outcome: 'accepted'; readonly events: readonly RegistryEvent[] }
  | { readonly outcome: 'refused'; readonly problem: Problem };

const accept = (...events: readonly RegistryEvent[]): Decision => ({ outcome: 'accepted', events });
const refuse = (
  code: ErrorCode,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): Decision => ({
  outcome: 'refused',
  problem: { code, message, details },
});

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

const nextGeneration = (state: RegistryState): number =>
  Math.max(0, ...state.generations.map((g) => g.generation)) + 1;

/** A view that nothing is live of is filled without being asked. */
const ownGeneration = (generation: number, version: number, at: number): RegistryEvent => ({
  type: 'GenerationStarted',
  data: { generation, version, replay: null, at },
});

const beingFilled = (state: RegistryState): GenerationRecord | null =>
  state.generations.find(
    (g) => g.replay === null && (g.state === 'filling' || g.state === 'ready'),
  ) ?? null;

const hashOf = (state: RegistryState, version: number | undefined): string | null =>
  state.versions.find((v) => v.version === version)?.planHash ?? null;

/** Whoever becomes live takes over the newest version too, where that computes the same. */
const adopting = (state: RegistryState, generation: number): readonly RegistryEvent[] => {
  const version = state.generations.find((g) => g.generation === generation)?.version;
  const newest = newestVersion(state);
  return newest === null || newest.version === version || newest.planHash !== hashOf(state, version)
    ? []
    : [{ type: 'GenerationAdopted', data: { generation, version: newest.version } }];
};

const register = (
  state: RegistryState,
  command: Extract<RegistryCommand, { type: 'Register' }>,
  context: DecisionContext,
): Decision => {
  const definition = withoutUndefined(command.definition);
  if (someWrong(context.problems)) return wrong(context.problems);
  const before = newestVersion(state);
  if (before === null) {
    const first = registered(definition, 1, context.planHash);
    if (definition.kind !== 'feature-view') return accept(first);
    return accept(first, ownGeneration(1, 1, context.now));
  }
  if (state.status === 'retired') {
    return refuse(
      'MR_REFUSED',
      `${definition.kind} "${definition.name}" is retired: restore it before revising it, or use another name`,
    );
  }
  if (canonical(before.definition) === canonical(definition)) return accept();
  const { change } = context;
  if (change?.cost === 'breaking') {
    if (!command.force) {
      return refuse(
        'MR_INCOMPATIBLE_REVISION',
        `${definition.kind} "${definition.name}": ${change.breaks.join('; ')}. Keep what readers use, or apply with --force and --reason`,
        {
          fields: change.fields,
        },
      );
    }
    if (command.reason === null || command.reason.trim() === '') {
      return refuse(
        'MR_REASON_REQUIRED',
        `${definition.kind} "${definition.name}" would break a reader (${change.breaks.join('; ')}): --force needs a --reason`,
      );
    }
  }
  const version = before.version + 1;
  const event = registered(definition, version, context.planHash, change?.breaks ?? []);
  if (definition.kind !== 'feature-view') return accept(event);
  const current = liveGeneration(state) ?? beingFilled(state);
  if (current === null)
    return accept(event, ownGeneration(nextGeneration(state), version, context.now));
  if (hashOf(state, current.version) !== context.planHash) return accept(event);
  return accept(event, {
    type: 'GenerationAdopted',
    data: { generation: current.generation, version },
  });
};

const VERBS = {
  Deprecate: { from: ['active'], event: 'DefinitionDeprecated' },
  Restore: { from: ['deprecated', 'retired'], event: 'DefinitionRestored' },
  Retire: { from: ['active', 'deprecated'], event: 'DefinitionRetired' },
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
      `${kind} "${name}" is ${state.status}: it cannot be ${type.toLowerCase()}d`,
    );
  if (type === 'Retire' && context.dependents.length > 0) {
    return refuse(
      'MR_REFUSED',
      `${kind} "${name}" is used by ${context.dependents.join(', ')}: retire or revise those first`,
      {
        dependents: context.dependents,
      },
    );
  }
  // What it refers to may have gone while it was away.
  if (state.status === 'retired' && someWrong(context.problems)) return wrong(context.problems);
  return accept({ type: verb.event, data: { kind, name } });
};

const ALLOWED: Readonly<
  Record<
    'PromoteReplay' | 'RollbackReplay' | 'AbandonReplay' | 'RetireReplay',
    { readonly from: readonly string[]; readonly verb: string }
  >
> = {
  PromoteReplay: { from: ['ready', 'standby'], verb: 'promoted' },
  RollbackReplay: { from: ['live'], verb: 'rolled back' },
  AbandonReplay: { from: ['filling', 'ready', 'failed'], verb: 'abandoned' },
  RetireReplay: { from: ['standby'], verb: 'retired' },
};

const describe = (view: string, { generation, state }: GenerationRecord): string =>
  `generation ${generation} of view "${view}" is ${state}`;

const changeGeneration = (
  state: RegistryState,
  {
    type,
    view,
    generation,
  }: { readonly type: keyof typeof ALLOWED; readonly view: string; readonly generation: number },
  { now, dependents }: DecisionContext,
): Decision => {
  const record = state.generations.find((g) => g.generation === generation);
  if (record === undefined)
    return refuse('MR_NOT_FOUND', `view "${view}" has no generation ${generation}`);
  const { from, verb } = ALLOWED[type];
  if (!from.includes(record.state))
    return refuse(
      'MR_REPLAY_STATE',
      `${describe(view, record)}, and only one that is ${from.join(' or ')} can be ${verb}`,
    );
  switch (type) {
    case 'PromoteReplay':
      return accept(
        {
          type: 'GenerationPromoted',
          data: { generation, previous: liveGeneration(state)?.generation ?? null, at: now },
        },
        ...adopting(state, generation),
      );
    case 'RollbackReplay': {
      const earlier = state.timeline
        .map((entry) => entry.generation)
        .filter((g) => g !== generation);
      // Not one that was itself rolled back: whoever wants that one again promotes it.
      const good = (g: GenerationRecord): boolean => g.state === 'standby' && !g.rolledBack;
      const to = earlier
        .reverse()
        .find((g) => state.generations.some((r) => r.generation === g && good(r)));
      if (to === undefined)
        return refuse(
          'MR_REPLAY_STATE',
          `view "${view}" has no earlier generation to go back to: it was retired, or there was none`,
        );
      return accept(
        { type: 'GenerationRolledBack', data: { generation, to, at: now } },
        ...adopting(state, to),
      );
    }
    case 'AbandonReplay':
      if (record.replay === null && record.state !== 'failed' && liveGeneration(state) === null)
        return refuse(
          'MR_REPLAY_STATE',
          `generation ${generation} is the only one of view "${view}": retire the view instead`,
        );
      return accept({ type: 'GenerationAbandoned', data: { generation, at: now } });
    case 'RetireReplay': {
      const others = state.generations.filter(
        (g) => g.generation !== generation && g.version === record.version,
      );
      const last = !others.some((g) => g.state === 'live' || g.state === 'standby');
      if (last && dependents.length > 0) {
        return refuse(
          'MR_REFUSED',
          `generation ${generation} of view "${view}" is the last of version ${record.version}, which ${dependents.join(', ')} pin${dependents.length === 1 ? 's' : ''}: revise or retire ${dependents.length === 1 ? 'it' : 'those'} first`,
          { dependents },
        );
      }
      return accept({ type: 'GenerationRetired', data: { generation, at: now } });
    }
  }
};

const startReplay = (
  state: RegistryState,
  { view, range, reason, actor }: Extract<RegistryCommand, { type: 'StartReplay' }>,
  { now }: DecisionContext,
): Decision => {
  const newest = newestVersion(state);
  if (newest === null)
    return refuse('MR_NOT_FOUND', `there is no feature view "${view}" to replay`);
  if (state.status === 'retired')
    return refuse('MR_REFUSED', `view "${view}" is retired: restore it before replaying it`);
  const live = liveGeneration(state);
  if (live === null && beingFilled(state) !== null)
    return refuse(
      'MR_REPLAY_STATE',
      `the first generation of view "${view}" is still being filled: wait until it is live`,
    );
  if (range.from !== null && range.to !== null && range.from > range.to)
    return refuse('MR_BODY_INVALID', `a replay from ${range.from} to ${range.to} covers no time`);
  const partial = range.from !== null || range.to !== null || range.keys !== null;
  if (partial && live === null)
    return refuse(
      'MR_REFUSED',
      `view "${view}" has no live generation to take the rest from: replay it whole, without a range`,
    );
  if (partial && live !== null && hashOf(state, live.version) !== newest.planHash) {
    return refuse(
      'MR_REFUSED',
      `version ${newest.version} of "${view}" computes otherwise than the live version ${live.version}: replay it whole, without a range`,
    );
  }
  const generation = nextGeneration(state);
  const replay = { id: `${view}-${generation}`, reason, actor, ...range };
  return accept({
    type: 'GenerationStarted',
    data: { generation, version: newest.version, replay, at: now },
  });
};

const generationFilled = (
  state: RegistryState,
  generation: number,
  { now }: DecisionContext,
): Decision => {
  const record = state.generations.find((g) => g.generation === generation);
  if (record?.state !== 'filling') return accept();
  const filled: RegistryEvent = { type: 'GenerationFilled', data: { generation, at: now } };
  // Nobody reads a view of which nothing is live: what is filled first serves at once. Else a
  // person compares and promotes.
  return liveGeneration(state) === null
    ? accept(
        filled,
        { type: 'GenerationPromoted', data: { generation, previous: null, at: now } },
        ...adopting(state, generation),
      )
    : accept(filled);
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
