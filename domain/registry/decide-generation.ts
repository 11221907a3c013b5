/**
 * Decisions on the generations of a feature view: start a replay, fill, promote, roll back,
 * abandon, retire.
 */
import type { RegistryCommand } from './commands.ts';
import { accept, type Decision, type DecisionContext, refuse, stillUsed } from './decision.ts';
import { isPartialRange, type RegistryEvent } from './events.ts';
import {
  type GenerationRecord,
  liveGeneration,
  newestVersion,
  type RegistryState,
} from './state.ts';

export const nextGeneration = (state: RegistryState): number =>
  Math.max(0, ...state.generations.map((g) => g.generation)) + 1;

/** A view without a live generation is filled without a replay command. */
export const ownGeneration = (generation: number, version: number, at: number): RegistryEvent => ({
  type: 'GenerationStarted',
  data: { generation, version, replay: null, at },
});

/** The generation that was started without a replay command and is not yet live. */
export const beingFilled = (state: RegistryState): GenerationRecord | null =>
  state.generations.find(
    (g) => g.replay === null && (g.state === 'filling' || g.state === 'ready'),
  ) ?? null;

/** A generation that becomes live also adopts the newest version, if both compute the same. */
const adopting = (
  state: RegistryState,
  generation: number,
  { planHashOf }: DecisionContext,
): readonly RegistryEvent[] => {
  const version = state.generations.find((g) => g.generation === generation)?.version ?? 0;
  const newest = newestVersion(state);
  if (newest === null || newest.version === version) return [];
  const hash = planHashOf(newest.version);
  return hash === null || hash !== planHashOf(version)
    ? []
    : [{ type: 'GenerationAdopted', data: { generation, version: newest.version } }];
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

/**
 * The generation that a rollback of a live one makes live; null: there is none. One that was
 * itself rolled back is skipped; a promotion can bring it back.
 */
export const replacedBy = (state: RegistryState, generation: number): number | null =>
  state.timeline
    .map((entry) => entry.generation)
    .filter((g) => g !== generation)
    .reverse()
    .find((g) =>
      state.generations.some((r) => r.generation === g && r.state === 'standby' && !r.rolledBack),
    ) ?? null;

const describe = (view: string, { generation, state }: GenerationRecord): string =>
  `generation ${generation} of view "${view}" is ${state}`;

export const changeGeneration = (
  state: RegistryState,
  {
    type,
    view,
    generation,
  }: { readonly type: keyof typeof ALLOWED; readonly view: string; readonly generation: number },
  context: DecisionContext,
): Decision => {
  const { now, dependents } = context;
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
        ...adopting(state, generation, context),
      );
    case 'RollbackReplay': {
      const to = replacedBy(state, generation);
      if (to === null)
        return refuse(
          'MR_REPLAY_STATE',
          `view "${view}" has no earlier generation to roll back to: it was retired, or never existed`,
        );
      return accept(
        { type: 'GenerationRolledBack', data: { generation, to, at: now } },
        ...adopting(state, to, context),
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
        return stillUsed(
          `generation ${generation} of view "${view}", the last of version ${record.version},`,
          dependents,
        );
      }
      return accept({ type: 'GenerationRetired', data: { generation, at: now } });
    }
  }
};

export const startReplay = (
  state: RegistryState,
  { view, range, reason, actor }: Extract<RegistryCommand, { type: 'StartReplay' }>,
  { now, planHashOf, lacking, partialReplays = true }: DecisionContext,
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
  const partial = isPartialRange(range);
  if (partial && !partialReplays)
    return refuse(
      'MR_REFUSED',
      `a replay of some days or some entities is for the embedded profile: on this one, replay the whole view "${view}", without \`from\`, \`to\` and \`entities\``,
      { view },
    );
  if (partial && (live === null || planHashOf(live.version) !== planHashOf(newest.version)))
    return refuse(
      'MR_REFUSED',
      `view "${view}" has no live generation of what version ${newest.version} computes, to copy the rest from: replay the whole view, without a range`,
    );
  if (lacking !== null) return { outcome: 'refused', problem: lacking };
  const generation = nextGeneration(state);
  const replay = { id: `${view}-${generation}`, reason, actor, ...range };
  return accept({
    type: 'GenerationStarted',
    data: { generation, version: newest.version, replay, at: now },
  });
};

export const generationFilled = (
  state: RegistryState,
  generation: number,
  context: DecisionContext,
): Decision => {
  const { now } = context;
  const record = state.generations.find((g) => g.generation === generation);
  if (record?.state !== 'filling') return accept();
  const filled: RegistryEvent = { type: 'GenerationFilled', data: { generation, at: now } };
  // A view without a live generation has no readers, so the first filled generation becomes live at
  // once. Otherwise an operator compares the two and promotes.
  return liveGeneration(state) === null
    ? accept(
        filled,
        { type: 'GenerationPromoted', data: { generation, previous: null, at: now } },
        ...adopting(state, generation, context),
      )
    : accept(filled);
};
