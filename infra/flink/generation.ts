/**
 * One generation that Flink computes, as a gateway sees it:
 *
 *   computed the raw offsets that the job committed at its last checkpoint; its updates up to there
 *             were in features.<view> at that moment
 *   visible the computed offsets whose updates are in the stores that reads go to: what a read is
 *             answered from
 */

import { setImmediate } from 'node:timers/promises';
import type { EngineJob } from '#domain/api/operations.ts';
import { applyUpdate } from '#domain/encoding/tile-snapshot.ts';
import type { UpdateDecoder } from '#domain/encoding/update-decoder.ts';
import { MillraceError } from '#domain/errors.ts';
import { degraded, NOT_DEGRADED } from '#domain/ports/degraded.ts';
import type { EngineGeneration, GenerationSpec } from '#domain/ports/engine.ts';
import type { Log } from '#domain/ports/log.ts';
import { formatPosition } from '#domain/ports/log.ts';
import type { CacheStore, TilesTarget } from '#domain/ports/online-store.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import type { FetchedTiles, ServedView } from '#domain/ports/served-view.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import { createTileStore, type TileStore } from '#domain/tiles/tile-store.ts';
import type { Position } from '#domain/values/value.ts';
import { covers, durableProgress } from './durable-progress.ts';
import { type FoldedView, foldedView } from './folded-view.ts';
import { reachedTimes } from './reached-times.ts';
import { settledOffsets } from './settled-offsets.ts';
import { computeGroup } from './sql/names.ts';

export interface FlinkGeneration extends EngineGeneration {
  /** Polls how far it is. */
  readonly refresh: () => Promise<void>;
  /** next raw offsets of the last checkpoint */
  readonly computed: () => readonly number[];
  /** epoch ms: the durable tier has every update written by then; 0: not known */
  readonly durableUntil: () => number;
  /**
   * whether the cache tier, at the last poll, has everything that reads were answered from so far
   */
  readonly cacheHasVisible: () => boolean;
  /** whether the durable tier has everything that reads were answered from so far */
  readonly durableHasVisible: () => boolean;
  /** next offsets of features.<view>: every update before them is in the durable tier */
  readonly durableOffsets: () => readonly number[];
  /** Records the state of its job. */
  readonly note: (job: EngineJob, error: Error | null) => void;
  /** From now on raw events answer for it, until its tiles can (folded-view.ts). */
  readonly fold: () => void;
  /** It is live: its tiles answer, at once or when they have what reads were told of. */
  readonly promoted: () => void;
  /** whether raw events answer for it */
  readonly isFolded: () => boolean;
  /** as reads of its view see it: `served`, or what raw events answer */
  readonly answering: () => ServedView;
}

export interface FlinkGenerationOptions {
  readonly spec: GenerationSpec;
  readonly log: Log;
  readonly cache: CacheStore | null;
  readonly decoder: UpdateDecoder;
  /**
   * epoch ms: last checkpoint of the job that writes the durable tier's table; null: it has none
   */
  readonly checkpointAt: () => number | null;
  readonly fetch: (keys: readonly string[], at: number) => Promise<FetchedTiles>;
  /** offsets of features.<view> before which it has no update, by partition; null: not known */
  readonly updatesFrom: () => Promise<readonly number[] | null>;
  /** why one of its topics cannot be used; null: they can; absent: they always can */
  readonly topicProblem?: () => string | null;
  /** called with the number of rows for which raw events answer while it is filled */
  readonly onFolded: (rows: number) => void;
}

const STALLED = degraded('engine-stalled');
/** Decoded in one turn of the event loop, in which no read is answered. */
const READ_BYTES = 256 * 1024;
const sum = (offsets: readonly number[]): number => offsets.reduce((a, b) => a + b, 0);

export const flinkGeneration = ({
  spec,
  log,
  cache,
  decoder,
  checkpointAt,
  fetch,
  updatesFrom,
  topicProblem = () => null,
  onFolded,
}: FlinkGenerationOptions): FlinkGeneration => {
  const { plan, view, generation, version, source } = spec;
  const target: TilesTarget = { plan, generation };
  const raw = rawTopic(source.name);
  const features = featuresTopic(view);
  const group = computeGroup(view, generation);
  let computed: readonly number[] = [];
  let ends: readonly number[] = [];
  let visible: readonly number[] = [];
  /** next offsets of features.<view> that a store must have reached to show `visible` */
  let visibleUpdates: readonly number[] = [];
  /** next offsets of features.<view> in the cache tier at the last poll; empty: not known */
  let cacheOffsets: readonly (number | null)[] = [];
  let text = formatPosition(raw, [{ partition: 0, offset: 0 }]);
  let newest: number | null = null;
  let failure: Error | null = null;
  let job: EngineJob | null = null;
  /** checkpoints whose updates are not in the stores yet, oldest first */
  let pending: { readonly computed: readonly number[]; readonly features: readonly number[] }[] =
    [];
  let refreshing: Promise<void> | null = null;
  const times = reachedTimes();

  const settle = settledOffsets(log, raw);
  const durable = durableProgress({ log, view, checkpointAt, now: Date.now });

  const setVisible = (offsets: readonly number[]): void => {
    visible = offsets;
    text = formatPosition(
      raw,
      offsets.map((offset, partition) => ({ partition, offset })),
    );
  };

  const poll = async (): Promise<void> => {
    await durable.poll();
    const at = Date.now();
    ends = await log.end(raw);
    times.seen(at, ends);
    const committed = await settle(await log.committed(group, raw), ends);
    if (sum(committed) > sum(computed) || visible.length === 0) {
      computed = committed;
      // The end is read after the commit, so all updates of what was committed lie before it.
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
    // Read first: a job that starts again meanwhile updates all tiles after its new offsets, too.
    const starts = (await updatesFrom()) ?? [];
    for (const [partition, end] of (await log.end(features)).entries()) {
      const from = starts[partition] ?? 0;
      const range = { from: from <= end ? from : 0, end, maxBytes: READ_BYTES };
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
        await setImmediate();
      }
    }
    return store;
  };

  const error = (): Error | null => {
    const problem = topicProblem();
    return problem === null ? failure : new MillraceError('MR_DATA_MIXED', problem);
  };

  const positions = (): readonly Position[] =>
    visible.map((offset, partition) => ({ partition, offset }));
  const served: ServedView = {
    plan,
    version,
    generation,
    schemaId: -1,
    // Reads use `fetch`: the tiles are not in this process.
    read: () => 'needs-history',
    newest: () => null,
    fetch,
    positions,
    position: () => text,
    newestEventTime: () => newest,
    completeThrough: times.completeThrough,
    degraded: () => (error() === null ? NOT_DEGRADED : STALLED),
  };

  let folded: FoldedView | null = null;

  return {
    spec,
    served,
    tiles,
    size: () => ({ entities: 0, tiles: 0 }),
    newestEventTime: () => newest,
    positions,
    computed: () => computed,
    lag: (newer = ends) => Math.max(0, sum(newer) - sum(computed)),
    events: () => sum(computed),
    error,
    refresh() {
      refreshing ??= poll().finally(() => {
        refreshing = null;
      });
      return refreshing;
    },
    job: () => job,
    durableUntil: durable.until,
    cacheHasVisible: () => covers(cacheOffsets, visibleUpdates),
    durableHasVisible: () => covers(durable.offsets(), visibleUpdates),
    durableOffsets: durable.offsets,
    note(state, error) {
      job = state;
      failure = error;
    },
    fold() {
      folded ??= foldedView({ served, ends: () => ends, visible: () => visible, onFolded });
    },
    promoted: () => folded?.promoted(),
    isFolded: () => folded !== null && !folded.isOver(),
    answering: () => (folded === null || folded.isOver() ? served : folded.served),
  };
};
