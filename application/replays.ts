/** Starting replays and deciding on them; their state and comparison are a projection. */
import type { CommandBus } from '#commands/command-bus.ts';
import type { ReplayAction, Replays } from '#domain/api/replays.ts';
import { fail } from '#domain/errors.ts';
import { keyOfEntity } from '#domain/plan/entity-key.ts';
import type { Engine } from '#domain/ports/engine.ts';
import { replacedBy } from '#domain/registry/decide-generation.ts';
import { liveGeneration } from '#domain/registry/state.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { createReplayQueries } from '#projections/replays/replays.ts';
import type { Proposals } from './approvals/proposals.ts';
import type { Generations } from './generations.ts';
import type { RegistryFollower } from './registry-follower.ts';

interface ReplaysDependencies {
  readonly catalog: Catalog;
  readonly bus: Pick<CommandBus, 'execute'>;
  readonly proposals: Proposals;
  readonly engine: Pick<Engine, 'generation'>;
  readonly generations: Generations;
  readonly follower: Pick<RegistryFollower, 'settled'>;
}

const COMMAND = {
  promote: 'PromoteReplay',
  rollback: 'RollbackReplay',
  abandon: 'AbandonReplay',
  retire: 'RetireReplay',
} as const satisfies Readonly<Record<ReplayAction, string>>;

export const createReplays = ({
  catalog,
  bus,
  proposals,
  engine,
  generations,
  follower,
}: ReplaysDependencies): Replays => {
  const queries = createReplayQueries({
    catalog,
    generation: engine.generation,
    liveGeneration: generations.live,
    settled: follower.settled,
  });
  /** The live generation stays: to retire its replay is to retire what a rollback would restore. */
  const retiredBy = (view: string, generation: number): number => {
    const { state } = catalog.stream('feature-view', view) ?? {};
    if (state === undefined || liveGeneration(state)?.generation !== generation) return generation;
    return (
      replacedBy(state, generation) ??
      fail(
        'MR_REPLAY_STATE',
        `generation ${generation} of view "${view}" is live, and no earlier one is left to retire`,
        { view, generation },
      )
    );
  };

  return {
    ...queries,
    async start({ view, from = null, to = null, reason, entities }, caller) {
      const version = catalog.stream('feature-view', view)?.state.versions.at(-1)?.version;
      // Without a version the command is refused, whatever the entities are.
      const keys =
        version === undefined
          ? null
          : (entities?.map((entity) => keyOfEntity(catalog.plan(view, version), entity)) ?? null);
      const { actor } = caller;
      const range = { from, to, keys };
      const { events } = await bus.execute(
        { type: 'StartReplay', view, range, reason: reason ?? null, actor },
        reason === undefined ? {} : { reason },
        caller,
      );
      const started = events[0]?.data as { readonly replay: { readonly id: string } };
      return queries.get(started.replay.id);
    },
    async change(id, action, options, caller) {
      const { view, generation: named } = await queries.get(id);
      const generation = action === 'retire' ? retiredBy(view, named) : named;
      const { reason } = options;
      const type = COMMAND[action];
      await proposals.orPropose(
        () => bus.execute({ type, view, generation }, options, caller),
        () => ({
          type: 'command',
          command: {
            type,
            data: { view, generation },
            ...(reason === undefined ? {} : { reason }),
          },
        }),
        { caller, reason },
      );
      await follower.settled();
      return queries.get(`${view}@${generation}`);
    },
  };
};
