/**
 * One generation of a view as Flink computes it, seen from a gateway: how far it is, by what others
 * can see of it.
 *
 *   computed the offsets that the job committed at its last checkpoint; at that moment its updates
 *   were in features.<view>
 *   visible the computed offsets whose updates the stores that reads go to have taken in: what a
 *   reader is answered from
 */

import type { EngineJob } from '#domain/api/operations.ts';
import { applyUpdate } from '#domain/encoding/tile-snapshot.ts';
import { degraded, NOT_DEGRADED } from '#domain/ports/degraded.ts';
import type { Log } from '#domain/ports/log.ts';
import { formatPosition } from '#domain/ports/log.ts';
import type { CacheStore, TilesTarget } from '#domain/ports/online-store.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import { createTileStore, type TileStore } from '#domain/tiles/tile-store.ts';
import type { Position } from '#domain/values/value.ts';
import type { GenerationSpec } from '#infra/embedded-engine/generation.ts';
import type { FetchedTiles, ServedView } from '#projections/serving/served-view.ts';
import type { RunningGeneration } from '#projections/status/status.ts';
import { covers, durableProgress } from './durable-progress.ts';
import { reachedTimes } from './reached-times.ts';
import { settledOffsets } from './settled-offsets.ts';
import { computeGroup } from './sql/names.ts';
import type { UpdateDecoder } from './update-decoder.ts';

export interface FlinkGeneration extends RunningGeneration {
  readonly spec: GenerationSpec;
  readonly served: ServedView;
  /** Looks again how far it is. */
  readonly refresh: () => Promise<void>;
  /** next raw offsets of the last checkpoint */
  readonly computed: () => readonly number[];
  /** until when (epoch ms) the durable tier has all updates; 0: not known */
  readonly durableUntil: () => number;
  /** whether the cache tier, as it was last seen, has all that reads were answered from so far */
  readonly cacheHasVisible: () => boolean;
  /** whether the durable tier has all that reads were answered from so far */
  readonly durableHasVisible: () => boolean;
  /** next offsets of features.<view> before which all is in the durable tier */
  readonly durableOffsets: () => readonly number[];
  /** What is known of its job. */
  readonly note: (job: EngineJob, error: Error | null) => void;
}

export interface FlinkGenerationOptions {
  readonly spec: GenerationSpec;
  readonly log: Log;
  readonly cache: CacheStore | null;
  readonly decoder: UpdateDecoder;
  /** of the job that writes the durable tier's table */
  readonly checkpointAt: () => number | null;
  readonly fetch: (keys: readonly string[], at: number) => Promise<FetchedTiles>;
}

const STALLED = degraded('engine-stalled');
const READ_BYTES = 8 * 1024 * 1024;
const sum = (offsets: readonly number[]): number => offsets.reduce((a, b) => a + b, 0);

/** Reads of a generation that was never asked for in this process answer from here. */
const NOT_HERE = 'needs-history' as const;

export const flinkGeneration = ({
  spec,
  log,
  cache,
  decoder,
  checkpointAt,
  fetch,
}: FlinkGenerationOptions): FlinkGeneration => {
  const { plan, view, generation, version, source } = spec;
  const target: TilesTarget = { plan, generation };
  const raw = rawTopic(source.name);
  const features = featuresTopic(view);
  const group = computeGroup(view, generation);
  let computed: readonly number[] = [];
  let ends: readonly number[] = [];
  let visible: readonly number[] = [];
  /** offsets of features.<view> that `visible` asks of a store */
  let visibleUpdates: readonly number[] = [];
  /**
   * offsets of features.<view> that the cache tier had when it was last seen, where it could tell
   */
  let cacheOffsets: readonly (number | null)[] = [];
  let text = formatPosition(raw, [{ partition: 0, offset: 0 }]);
  let newest: number | null = null;
  let failure: Error | null = null;
  let job: EngineJob | null = null;
  /** checkpoints whose updates are on their way to the stores, oldest first */
  let pending: { readonly computed: readonly number[]; readonly features: readonly number[] }[] =
    [];
  let refreshing: Promise<void> | null = null;
  const times = reachedTimes();

  const durable = durableProgress({ log, view, checkpointAt, now: Date.now });

  const setVisible = (offsets: readonly number[]): void => {
    visible = offsets;
    text = formatPosition(
      raw,
      offsets.map((offset, partition) => ({ partition, offset })),
    );
  };

  const look = async (): Promise<void> => {
    await durable.look();
    const at = Date.now();
    ends = await log.end(raw);
    times.seen(at, ends);
    const committed = await settledOffsets(log, raw, await log.committed(group, raw), ends);
    if (sum(committed) > sum(computed) || visible.length === 0) {
      computed = committed;
      // Asked for after the commit: all updates of what was committed lie below.
      pending.push({ computed: committed, features: await log.end(features) });
    }
    if (pending.length === 0 && covers(cacheOffsets, visibleUpdates)) return times.reached(visible);
    const progress = cache === null ? null : await cache.progress(target).catch(() => null);
    if (progress !== null) newest = progress.newestEventTime ?? newest;
    cacheOffsets = progress?.ready === true ? progress.offsets : [];
    const endOffsets = progress?.ready === true ? progress.offsets : durable.offsets();
    const reached = pending.filter((step) => covers(endOffsets, step.features));
    const last = reached.at(-1);
    if (last !== undefined) {
      setVisible(last.computed);
      visibleUpdates = last.features;
      pending = pending.slice(reached.length);
    }
    times.reached(visible);
  };

  const tiles = async (): Promise<TileStore> => {
    const store = createTileStore(plan);
    for (const [partition, end] of (await log.end(features)).entries()) {
      const range = { end, maxBytes: READ_BYTES };
      for await (const records of readPartition(log, features, partition, range)) {
        for (const record of records) {
          const update = await decoder.decode(plan, record);
          if (update === null || update.generation !== generation || update.hopMs < 0) continue;
          const hop = plan.hops.find(({ hopMs }) => hopMs === update.hopMs);
          const slots = hop?.partials.flatMap(({ partial }) => partial.refs) ?? [];
          applyUpdate(store, {
            ...update,
            refs: update.refs.map((ref, i) => slots[i]?.decode(ref)),
          });
        }
      }
    }
    return store;
  };

  const positions = (): readonly Position[] =>
    visible.map((offset, partition) => ({ partition, offset }));
  const served: ServedView = {
    plan,
    version,
    generation,
    schemaId: -1,
    read: () => NOT_HERE,
    newest: () => null,
    fetch,
    positions,
    position: () => text,
    newestEventTime: () => newest,
    completeThrough: times.completeThrough,
    degraded: () => (failure === null ? NOT_DEGRADED : STALLED),
  };

  return {
    spec,
    served,
    tiles,
    size: () => ({ entities: 0, tiles: 0 }),
    newestEventTime: () => newest,
    positions,
    computed: () => computed,
    lag: () => Math.max(0, sum(ends) - sum(computed)),
    events: () => sum(computed),
    error: () => failure,
    refresh() {
      refreshing ??= look().finally(() => {
        refreshing = null;
      });
      return refreshing;
    },
    job: () => job,
    durableUntil: durable.until,
    cacheHasVisible: () => covers(cacheOffsets, visibleUpdates),
    durableHasVisible: () => covers(durable.offsets(), visibleUpdates),
    durableOffsets: durable.offsets,
    note(seen, error) {
      job = seen;
      failure = error;
    },
  };
};
