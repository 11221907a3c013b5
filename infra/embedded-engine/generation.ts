import { featuresAvroSchema } from '#domain/encoding/features-schema.ts';
import { tileCodec } from '#domain/encoding/tile-codec.ts';
import { takeSnapshot } from '#domain/encoding/tile-snapshot.ts';
import { encodeLateEvent, lateEventSchema } from '#domain/events/late-event.ts';
import { degraded, NOT_DEGRADED } from '#domain/ports/degraded.ts';
import type { EngineGeneration, GenerationSpec } from '#domain/ports/engine.ts';
import { formatPosition, type LogRecord, type OutgoingRecord } from '#domain/ports/log.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import type { ServedView } from '#domain/ports/served-view.ts';
import type { StreamTask, TaskHandle, TransactionalLog } from '#domain/ports/stream-task.ts';
import { featuresTopic, lateTopic, rawTopic } from '#domain/ports/topics.ts';
import { eventTimeOf } from '#domain/sources/event-time.ts';
import type { RawDecoders } from '#domain/sources/raw-decoders.ts';
import { createTileStore, type TileStore } from '#domain/tiles/tile-store.ts';
import type { Position, Row } from '#domain/values/value.ts';
import { rebuildTiles } from './rebuild-tiles.ts';
import type { Snapshots } from './snapshots.ts';
import { type ComputeTracesOptions, createComputeTraces } from './traces.ts';

export interface ComputeDependencies {
  readonly log: TransactionalLog;
  readonly schemas: SchemaRegistry;
  readonly snapshots: Snapshots;
  readonly decoders: RawDecoders;
  /** absent: traces are off */
  readonly traces?: Pick<ComputeTracesOptions, 'tracing' | 'updates'> | undefined;
}

/** A generation that computes in this process. */
export interface EmbeddedGeneration extends EngineGeneration {
  readonly store: TileStore;
  /** Resolves when it runs within the appends; rejects if it fails or is stopped before. */
  readonly caughtUp: () => Promise<void>;
  /**
   * Saves the state where features.<view> has grown by at least `leastUpdates` since it was last
   * saved: the next start reads only what came after.
   */
  readonly save: (leastUpdates: number) => Promise<void>;
  readonly stop: () => Promise<void>;
}

const STALLED = degraded('engine-stalled');

export const consumerOf = (view: string, generation: number): string =>
  `compute.${view}.${generation}`;

const startOffsetsConsumer = (consumer: string): string => `${consumer}.fill`;

/**
 * The raw offsets at which this generation started: no event below them is late, because a replay
 * takes in all of the past. Written once, so that a fill that was killed decides lateness as
 * before.
 */
const startOffsets = async (
  log: TransactionalLog,
  consumer: string,
  raw: string,
  features: string,
): Promise<readonly number[]> => {
  const keeper = startOffsetsConsumer(consumer);
  const kept = await log.committed(keeper, raw);
  const reached = await log.committed(consumer, raw);
  const firstUpdate = await log.committed(keeper, features);
  if ([...kept, ...reached, ...firstUpdate].some((offset) => offset > 0)) return kept;
  return startHere(log, consumer, raw, features);
};

/** Starts at the beginning of the raw topic; what it has now is the past. */
const startHere = async (
  log: TransactionalLog,
  consumer: string,
  raw: string,
  features: string,
): Promise<readonly number[]> => {
  const keeper = startOffsetsConsumer(consumer);
  const ends = await log.end(raw);
  if (ends.every((offset) => offset === 0)) return ends;
  // None of its updates lies before the current end of features.<view>: a rebuild skips what other
  // generations wrote.
  const [firstUpdate = 0] = await log.end(features);
  await log.append({
    records: [],
    positions: ends
      .flatMap((offset, partition) => [
        { consumer: keeper, topic: raw, partition, offset },
        { consumer, topic: raw, partition, offset: 0 },
      ])
      .concat({ consumer: keeper, topic: features, partition: 0, offset: firstUpdate }),
  });
  return ends;
};

/**
 * @param before the same generation, stopped, with the plan that it had before its source was
 * revised
 */
export const openGeneration = async (
  spec: GenerationSpec,
  dependencies: ComputeDependencies,
  before?: EmbeddedGeneration,
): Promise<EmbeddedGeneration> => {
  const { log, schemas, snapshots, decoders } = dependencies;
  const { view, generation, version, plan, source } = spec;
  const raw = rawTopic(source.name);
  const features = featuresTopic(view);
  const late = lateTopic(view);
  await log.createTopic(raw, { partitions: source.partitions ?? 1 });
  await log.createTopic(features, { partitions: 1 });
  await log.createTopic(late, { partitions: 1 });
  const schemaId = await schemas.register(`${features}-value`, featuresAvroSchema(plan));
  const lateSchemaId = await schemas.register(`${late}-value`, lateEventSchema);
  const codec = tileCodec(plan);
  const timeOf = eventTimeOf(source);
  const traces =
    dependencies.traces === undefined
      ? null
      : createComputeTraces({ ...dependencies.traces, plan, generation });

  const consumer = consumerOf(view, generation);
  let started = await startOffsets(log, consumer, raw, features);
  let store = createTileStore(plan);
  /** the positions as of the last commit; null: they may have moved */
  let current: { readonly positions: readonly Position[]; readonly text: string } | null = null;
  let events = 0;
  /** next offset of features.<view> after the saved state */
  let savedOffset = 0;
  /** true while the tiles contain what did not become durable: reads then fold raw events */
  let rebuilding = false;
  /** epoch ms: every event accepted by then is in the tiles; null: none was processed yet */
  let completeThrough: number | null = before?.served.completeThrough(0) ?? null;

  const rebuild = async (): Promise<void> => {
    rebuilding = true;
    current = null;
    const [firstUpdate = 0] = await log.committed(startOffsetsConsumer(consumer), features);
    const rebuilt = await rebuildTiles(spec, dependencies, firstUpdate);
    if (rebuilt === null) {
      // Its states cannot be read by this plan, so they are computed anew.
      snapshots.drop(view, generation);
      started = await startHere(log, consumer, raw, features);
    }
    store = rebuilt?.store ?? createTileStore(plan);
    savedOffset = rebuilt?.savedOffset ?? 0;
    rebuilding = false;
  };

  /** Records come in the order of log time: everything accepted before this one is in. */
  const seen = (record: LogRecord | undefined): void => {
    if (record !== undefined && record.logTime > (completeThrough ?? 0))
      completeThrough = record.logTime - 1;
  };

  const decode = (record: LogRecord): Row =>
    (record.decoded as Row | undefined) ?? decoders.decode(record.schemaId, record.value);

  const task: StreamTask = {
    consumer,
    topics: [raw],
    process(records, commitTime) {
      const out: OutgoingRecord[] = [];
      seen(records[0]);
      for (const record of records) {
        const row = decode(record);
        const eventTime = timeOf(row);
        const known = decoders.knownTime(source.name, row);
        store.takesLate = known !== null || record.offset < (started[record.partition] ?? 0);
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
      for (const event of store.takeLate()) {
        out.push({
          topic: late,
          partition: 0,
          key: event.key,
          value: encodeLateEvent({ ...event, generation }),
          schemaId: lateSchemaId,
        });
      }
      seen(records.at(-1));
      return { records: out };
    },
    committed() {
      current = null;
      traces?.committed();
    },
    rolledBack() {
      traces?.rolledBack();
      return rebuild();
    },
  };

  await rebuild();
  const handle: TaskHandle = log.run(task);
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
    read: (key, at, out, status) =>
      rebuilding ? 'needs-history' : store.read(key, at, out, status),
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

  return {
    spec,
    get store() {
      return store;
    },
    tiles: async () => store,
    size: () => ({ entities: store.entities, tiles: store.tiles }),
    newestEventTime: () => served.newestEventTime(),
    served,
    caughtUp: () => handle.caughtUp(),
    positions,
    lag: () => handle.lag(),
    error: () => handle.error(),
    events: () => events,
    async save(leastUpdates) {
      // The tiles contain at least the topic up to this end. Updates are absolute, so applying one
      // again after a restart changes nothing.
      const [nextOffset = 0] = await log.end(features);
      if (rebuilding || nextOffset - savedOffset < leastUpdates) return;
      savedOffset = nextOffset;
      snapshots.save(view, generation, { nextOffset, state: takeSnapshot(store) });
    },
    stop: () => handle.stop(),
  };
};
