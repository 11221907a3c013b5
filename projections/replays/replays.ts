/**
 * Replays: the generations that a command started, with their progress, and how their values differ
 * from the live ones.
 */

import {
  noReplay,
  type ReplayComparison,
  type ReplayState,
  type ReplayStatus,
  type Replays,
} from '#domain/api/replays.ts';
import { fail } from '#domain/errors.ts';
import { decodeKey } from '#domain/plan/entity-key.ts';
import type { FeatureStatus, PlannedFeature } from '#domain/plan/plan.ts';
import type { EngineGeneration } from '#domain/ports/engine.ts';
import type { GenerationRecord } from '#domain/registry/state.ts';
import type { TileStore } from '#domain/tiles/tile-store.ts';
import type { FieldType, Value } from '#domain/values/value.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { sameResult } from '#projections/explain/same-value.ts';
import { turns } from '#projections/turns.ts';

interface ReplayDependencies {
  readonly catalog: Catalog;
  readonly generation: (view: string, generation: number) => EngineGeneration | null;
  readonly liveGeneration: (view: string) => EngineGeneration | null;
  /** resolves when the engine follows the registry */
  readonly settled: () => Promise<void>;
}

const EXAMPLES = 5;
const LISTED = 100;

const stateOf = (record: GenerationRecord): ReplayState => {
  switch (record.state) {
    case 'live':
    case 'standby':
      return record.rolledBack ? 'rolled-back' : 'promoted';
    default:
      return record.state;
  }
};

interface Side extends Pick<EngineGeneration, 'spec'> {
  readonly store: TileStore;
}

/** An entity is read from both sides in one turn, so that no event comes between. */
const compare = async (id: string, live: Side, candidate: Side): Promise<ReplayComparison> => {
  const at = Math.max(
    live.store.newestOfAll,
    candidate.store.newestOfAll,
    live.store.watermark,
    candidate.store.watermark,
  );
  const names = live.spec.plan.features
    .map((f) => f.name)
    .filter((name) => candidate.spec.plan.features.some((f) => f.name === name));
  const results = names.map((name) => ({
    name,
    compared: 0,
    differing: 0,
    largest: null as number | null,
    examples: [] as { entity: ReturnType<typeof decodeKey>; live: Value; candidate: Value }[],
  }));
  const indexIn = (generation: Side): number[] =>
    names.map((name) => generation.spec.plan.features.findIndex((f) => f.name === name));
  const [liveIndex, candidateIndex] = [indexIn(live), indexIn(candidate)];
  const types = candidateIndex.map(
    (index) => (candidate.spec.plan.features[index] as PlannedFeature).type,
  );
  const [a, b]: [Value[], Value[]] = [[], []];
  const status: FeatureStatus[] = [];
  const turn = turns();
  for (const key of live.store.keys) {
    await turn();
    const mine = live.store.indexOf.get(key);
    const theirs = candidate.store.indexOf.get(key);
    if (mine === undefined || theirs === undefined) continue;
    live.store.readEntity(mine, at, a, status);
    candidate.store.readEntity(theirs, at, b, status);
    results.forEach((result, i) => {
      const [before, after] = [
        a[liveIndex[i] as number] as Value,
        b[candidateIndex[i] as number] as Value,
      ];
      result.compared++;
      if (sameResult(types[i] as FieldType, before, after)) return;
      result.differing++;
      if (typeof before === 'number' && typeof after === 'number')
        result.largest = Math.max(result.largest ?? 0, Math.abs(before - after));
      if (result.examples.length < EXAMPLES)
        result.examples.push({
          entity: decodeKey(key, live.spec.plan.keys),
          live: before,
          candidate: after,
        });
    });
  }
  const only = (one: TileStore, other: TileStore): string[] =>
    one.keys
      .filter((key) => !other.indexOf.has(key) && !other.dropped.mayHave(key))
      .slice(0, LISTED);
  const side = (g: Side) => ({
    version: g.spec.version,
    generation: g.spec.generation,
    entities: g.store.entities,
  });
  return {
    id,
    view: live.spec.plan.view,
    live: side(live),
    candidate: side(candidate),
    at,
    features: results,
    onlyLive: only(live.store, candidate.store),
    onlyCandidate: only(candidate.store, live.store),
  };
};

export const createReplayQueries = ({
  catalog,
  generation,
  liveGeneration,
  settled,
}: ReplayDependencies): Pick<Replays, 'list' | 'get' | 'compare'> => {
  const statusOf = (view: string, record: GenerationRecord): ReplayStatus => {
    const { replay } = record;
    const running = generation(view, record.generation);
    const [events, lag] = [running?.events() ?? 0, running?.lag() ?? 0];
    const filling = record.state === 'filling';
    return {
      id: replay?.id ?? `${view}-${record.generation}`,
      view,
      version: record.version,
      generation: record.generation,
      state: stateOf(record),
      from: replay?.from ?? null,
      to: replay?.to ?? null,
      reason: replay?.reason ?? null,
      actor: replay?.actor ?? 'millrace',
      progress: !filling ? 1 : events + lag === 0 ? 0 : events / (events + lag),
      events,
      startedAt: record.startedAt,
      finishedAt: record.finishedAt,
      error: record.error ?? running?.error()?.message ?? null,
    };
  };
  const all = (): ReplayStatus[] =>
    catalog
      .streams('feature-view')
      .flatMap(({ name, state }) =>
        state.generations.filter((g) => g.replay !== null).map((g) => statusOf(name, g)),
      )
      .sort((a, b) => a.startedAt - b.startedAt);
  /** Any generation, also one that no replay filled, by `VIEW-GENERATION` or `VIEW@GENERATION`. */
  const one = (id: string): ReplayStatus => {
    const [, view, number] = /^(.+)[@-](\d+)$/.exec(id) ?? [];
    const record =
      view === undefined
        ? undefined
        : catalog
            .stream('feature-view', view)
            ?.state.generations.find(({ generation: of }) => of === Number(number));
    if (view !== undefined && record !== undefined) return statusOf(view, record);
    return noReplay(id);
  };

  return {
    list: async () => all(),
    get: async (id) => one(id),
    async compare(id) {
      const { view, generation: number, state } = one(id);
      await settled();
      const candidate = generation(view, number);
      const live = liveGeneration(view);
      if (candidate === null || state === 'filling')
        return fail(
          'MR_REPLAY_STATE',
          `replay "${id}" is ${state}: only a filled one can be compared`,
          { id },
        );
      if (live === null)
        return fail('MR_REPLAY_STATE', `view "${view}" has no live generation to compare with`, {
          id,
        });
      return compare(
        id,
        { spec: live.spec, store: await live.tiles() },
        { spec: candidate.spec, store: await candidate.tiles() },
      );
    },
  };
};
