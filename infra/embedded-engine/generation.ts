import { featuresAvroSchema } from '#domain/encoding/features-schema.ts';
import { tileCodec } from '#domain/encoding/tile-codec.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import { degraded, NOT_DEGRADED } from '#domain/ports/degraded.ts';
import type { EngineGeneration, GenerationSpec } from '#domain/ports/engine.ts';
import { formatPosition, type LogRecord, type OutgoingRecord } from '#domain/ports/log.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import type { ServedView } from '#domain/ports/served-view.ts';
import type { StreamTask, TaskHandle, TransactionalLog } from '#domain/ports/stream-task.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import { eventTimeOf } from '#domain/sources/event-time.ts';
import { type RawDecoders, rowOf } from '#domain/sources/raw-decoders.ts';
import { closesTiles } from '#domain/tiles/lateness.ts';
import { createTileStore, type TileStore } from '#domain/tiles/tile-store.ts';
import type { Position } from '#domain/values/value.ts';
import { deletedHistory } from './deleted-history.ts';
import { type LateDecisions, openLateDecisions } from './late-decisions.ts';
import { openLateRecords } from './late-records.ts';
import {
  loadMissing,
  newestWatermark,
  type QuotaOf,
  type RebuiltTiles,
  rebuildTiles,
} from './rebuild-tiles.ts';
import type { Snapshots } from './snapshots.ts';
import {
  consumerOf,
  startAgain,
  startOffsets,
  startOffsetsConsumer,
  storedWatermark,
  watermarkPosition,
} from './start-offsets.ts';
import { stateSaver } from './state-saver.ts';
import { type ComputeTracesOptions, createComputeTraces } from './traces.ts';

export interface ComputeDependencies {
  readonly log: TransactionalLog;
  readonly schemas: SchemaRegistry;
  readonly snapshots: Pick<Snapshots, 'load' | 'save' | 'drop'>;
  readonly decoders: RawDecoders;
  /** epoch ms */
  readonly now: () => number;
  /** absent: views have as many entities as there are */
  readonly quotaOf?: QuotaOf | undefined;
  /** absent: traces are off */
  readonly traces?: Pick<ComputeTracesOptions, 'tracing' | 'updates'> | undefined;
}

/** A generation that computes in this process. */
export interface EmbeddedGeneration extends EngineGeneration {
  /** Resolves when it runs within the appends; rejects if it fails or is stopped before. */
  readonly caughtUp: () => Promise<void>;
  /**
   * Saves the state where features.<view> has grown by at least `leastUpdates` since it was last
   * saved: the next start reads only what came after.
   */
  readonly save: (leastUpdates: number) => Promise<void>;
  readonly updatesNeededFrom: () => number;
  readonly stop: () => Promise<void>;
}

const STALLED = degraded('engine-stalled');

interface GenerationOptions {
  /** it began as a copy of another generation, so it cannot be computed again from events */
  readonly isPartial?: boolean;
  /** the same generation, stopped, with the plan that it had before its source was revised */
  readonly before?: EmbeddedGeneration;
}

export const openGeneration = async (
  spec: GenerationSpec,
  dependencies: ComputeDependencies,
  { isPartial = false, before }: GenerationOptions = {},
): Promise<EmbeddedGeneration> => {
  const { log, schemas, snapshots, decoders, quotaOf } = dependencies;
  const { view, generation, version, plan, source } = spec;
  const raw = rawTopic(source.name);
  const features = featuresTopic(view);
  await log.createTopic(raw, { partitions: source.partitions ?? 1 });
  await log.createTopic(features, { partitions: 1 });
  const schemaId = await schemas.register(`${features}-value`, featuresAvroSchema(plan));
  const late = await openLateRecords(spec, dependencies);
  const codec = tileCodec(plan);
  const timeOf = eventTimeOf(source);
  const traces =
    dependencies.traces === undefined
      ? null
      : createComputeTraces({ ...dependencies.traces, plan, generation });

  const consumer = consumerOf(view, generation);
  const deleted = deletedHistory(spec, dependencies, consumer, isPartial);
  const { suffices } = deleted;
  const started = await startOffsets(log, consumer, raw, features, suffices);
  const quota = quotaOf?.(view) ?? Number.POSITIVE_INFINITY;
  const newStore = (): TileStore =>
    createTileStore(plan, { quota, mayDrop: deleted.mayDrop, mayEvict: true });
  let store = newStore();
  /** the positions as of the last commit; null: they may have moved */
  let current: { readonly positions: readonly Position[]; readonly text: string } | null = null;
  let events = 0;
  /** next offset of features.<view> after the saved state */
  let savedOffset = 0;
  let loadPending: RebuiltTiles['loadPending'] = async () => {};
  let firstUpdate = 0;
  /** true while the tiles contain what did not become durable: reads then fold raw events */
  let rebuilding = false;
  /** not null while it computes again what it had computed: reads then fold raw events */
  let again: LateDecisions | null = null;
  /** epoch ms: every event accepted by then is in the tiles; null: none was processed yet */
  let completeThrough: number | null = before?.served.completeThrough(0) ?? null;

  const rebuild = async (): Promise<void> => {
    rebuilding = true;
    current = null;
    // Reads use raw events now. There may be no memory for the old tiles beside the new ones.
    store = newStore();
    loadPending = async () => {};
    const firstOf = async (): Promise<number> =>
      (await log.committed(startOffsetsConsumer(consumer), features))[0] ?? 0;
    firstUpdate = await firstOf();
    const rebuilt = await rebuildTiles(spec, { ...dependencies, newStore }, firstUpdate);
    if (typeof rebuilt === 'string' || (await deleted.isUnfit(rebuilt.store))) {
      if (rebuilt === 'trimmed' && isPartial)
        fail(
          'MR_DATA_DAMAGED',
          `the saved state of generation ${generation} of "${view}" is lost, and its updates, which were those of a partial replay, were trimmed: replay all of the view, without a range`,
          { view, generation },
        );
      snapshots.drop(view, generation);
      const watermarks = [
        await storedWatermark(log, consumer, late.topic),
        await newestWatermark(spec, dependencies),
      ].flatMap((watermark) => watermark ?? []);
      const watermark = watermarks.length === 0 ? null : Math.max(...watermarks);
      await startAgain(log, consumer, { raw, features, late: late.topic, suffices }, watermark);
      firstUpdate = await firstOf();
      savedOffset = firstUpdate;
    } else {
      ({ store, savedOffset, loadPending } = rebuilt);
    }
    again ??= await openLateDecisions(spec, { log, decoders, late, started });
    rebuilding = false;
  };
  const isIncomplete = (): boolean => rebuilding || again !== null;
  const read: ServedView['read'] = (key, at, out, status) => {
    try {
      return isIncomplete() ? 'needs-history' : store.read(key, at, out, status);
    } catch (error) {
      // The part of the saved state that has the entity was damaged since the start.
      if (error instanceof MillraceError && error.code === 'MR_DATA_DAMAGED')
        return 'needs-history';
      throw error;
    }
  };
  const stopDeciding = async (): Promise<void> => {
    const ended = again;
    again = null;
    await ended?.stop();
  };

  /** Records come in the order of log time: everything accepted before this one is in. */
  const seen = (record: LogRecord | undefined): void => {
    if (record !== undefined && record.logTime > (completeThrough ?? 0))
      completeThrough = record.logTime - 1;
  };

  const task: StreamTask = {
    consumer,
    topics: [raw],
    process(records, commitTime) {
      const out: OutgoingRecord[] = [];
      seen(records[0]);
      for (const record of records) {
        const decided = again === null ? null : again.isLate(record);
        if (decided === true) continue;
        const row = rowOf(decoders, record);
        const eventTime = timeOf(row);
        const known = decoders.knownTime(source.name, row);
        store.takesLate =
          decided === false || known !== null || record.offset < (started[record.partition] ?? 0);
        const counted = store.process(
          row,
          eventTime,
          record.partition,
          record.offset,
          known ?? record.logTime,
        );
        if (traces !== null && counted && record.headers !== undefined)
          traces.take(record, row, eventTime, commitTime);
      }
      events += records.length;
      codec.encodeChanges(store, version, generation, (value, key) => {
        const update = { topic: features, partition: 0, key, value, schemaId };
        const context = traces === null ? null : traces.headersOf(key);
        out.push(context === null ? update : { ...update, headers: { ...context } });
      });
      for (const event of store.takeLate()) out.push(late.recordOf(event));
      seen(records.at(-1));
      return { records: out };
    },
    committed() {
      current = null;
      traces?.committed();
    },
    rolledBack() {
      traces?.rolledBack();
      return rebuild().then(whenJoined);
    },
  };

  await rebuild();
  const handle: TaskHandle = log.run(task);
  // Nothing is appended between the moment when it joins the appends and this.
  const whenJoined = (): void => void handle.caughtUp().then(stopDeciding, () => {});
  whenJoined();
  const currentPositions = (): {
    readonly positions: readonly Position[];
    readonly text: string;
  } => {
    if (current === null) {
      const positions = handle.position().map(({ partition, offset }) => ({ partition, offset }));
      current = { positions, text: formatPosition(raw, positions) };
    }
    return current;
  };
  const positions = (): readonly Position[] => currentPositions().positions;
  const served: ServedView = {
    plan,
    version,
    generation,
    schemaId,
    read,
    newest: (key) => store.newestOf(key),
    positions,
    position: () => currentPositions().text,
    newestEventTime: () => (Number.isFinite(store.newestOfAll) ? store.newestOfAll : null),
    completeThrough(now) {
      if (handle.joined()) completeThrough = now;
      return completeThrough;
    },
    degraded: () => (handle.error() === null ? NOT_DEGRADED : STALLED),
  };

  const saver = stateSaver({
    current: () => (rebuilding ? null : { store, savedOffset, loadPending }),
    end: async () => (await log.end(features))[0] ?? 0,
    async beforeSave({ watermark }) {
      // Where the state is lost, too, nothing else has the watermark.
      if (closesTiles(plan) && again === null) {
        const positions = watermarkPosition(consumer, late.topic, watermark);
        await log.append({ records: [], positions });
      }
    },
    save: (request) => snapshots.save(view, generation, request),
    onSaved(nextOffset) {
      savedOffset = nextOffset;
    },
  });

  return {
    spec,
    async tiles() {
      for (;;) {
        const loading = store;
        await loadMissing(loading);
        if (store === loading) return loading;
      }
    },
    presentTiles() {
      const isWhole = handle.joined() && !isIncomplete() && store.parts.missing === 0;
      return isWhole && plan.latenessMs === null && log.horizon(raw) === null ? store : null;
    },
    size: () => ({
      entities: store.entities + store.parts.missingEntities,
      tiles: store.tiles + store.parts.missingTiles,
    }),
    newestEventTime: () => served.newestEventTime(),
    watermark: () => store.watermark,
    served,
    caughtUp: () => handle.caughtUp(),
    positions,
    lag: () => handle.lag(),
    error: () => handle.error(),
    events: () => events,
    save: saver.save,
    // What a partial replay copied, and what was computed from events that were deleted since, is
    // in the updates, and nowhere else.
    updatesNeededFrom: () => (isPartial || deleted.outlivesEvents() ? firstUpdate : savedOffset),
    async stop() {
      await handle.stop();
      await again?.stop();
      await saver.settled();
    },
  };
};
