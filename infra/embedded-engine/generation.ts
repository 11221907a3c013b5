/**
 * One generation of one view version, computing: a StreamTask over raw.<source> whose state is a
 * TileStore.
 *
 * The raw append, the tile updates and the read positions are one transaction (see the log), so the
 * tiles that a reader sees are exactly those that are durable. After a crash the tiles are rebuilt
 * from the saved state and features.<view>, and the task goes on from its committed positions:
 * nothing is lost, nothing is counted twice.
 */

import type { SourceDefinition } from '#domain/definitions/model.ts';
import { featuresAvroSchema } from '#domain/encoding/features-schema.ts';
import { tileCodec } from '#domain/encoding/tile-codec.ts';
import { applyUpdate, restoreSnapshot, takeSnapshot } from '#domain/encoding/tile-snapshot.ts';
import { encodeLateEvent, lateEventSchema } from '#domain/events/late-event.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import { degraded, NOT_DEGRADED } from '#domain/ports/degraded.ts';
import { formatPosition, type LogRecord, type OutgoingRecord } from '#domain/ports/log.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import type { StreamTask, TaskHandle, TransactionalLog } from '#domain/ports/stream-task.ts';
import { featuresTopic, lateTopic, rawTopic } from '#domain/ports/topics.ts';
import { eventTimeOf } from '#domain/sources/event-time.ts';
import { createTileStore, type TileStore } from '#domain/tiles/tile-store.ts';
import type { Position, Row } from '#domain/values/value.ts';
import type { ServedView } from '#projections/serving/served-view.ts';
import type { RawDecoders } from './raw-decoders.ts';
import type { Snapshots } from './snapshots.ts';
import { type ComputeTracesOptions, createComputeTraces } from './traces.ts';

export interface GenerationSpec {
  readonly view: string;
  readonly version: number;
  readonly generation: number;
  readonly plan: ViewPlan;
  readonly source: SourceDefinition;
}

export interface ComputeDependencies {
  readonly log: TransactionalLog;
  readonly schemas: SchemaRegistry;
  readonly snapshots: Snapshots;
  readonly decoders: RawDecoders;
  /** absent: traces are off */
  readonly traces?: Pick<ComputeTracesOptions, 'tracing' | 'updates'> | undefined;
}

export interface Generation {
  readonly spec: GenerationSpec;
  readonly store: TileStore;
  readonly tiles: () => Promise<TileStore>;
  readonly size: () => { readonly entities: number; readonly tiles: number };
  readonly newestEventTime: () => number | null;
  readonly served: ServedView;
  readonly caughtUp: () => Promise<void>;
  readonly positions: () => readonly Position[];
  /** raw events accepted and not yet computed */
  readonly lag: () => number;
  readonly error: () => Error | null;
  readonly events: () => number;
  /**
   * Writes the state beside the log where features.<view> has grown by at least so many updates:
   * the next start reads from there.
   */
  readonly save: (leastUpdates: number) => Promise<void>;
  readonly stop: () => Promise<void>;
}

const STALLED = degraded('engine-stalled');
const READ_BYTES = 8 * 1024 * 1024;

export const consumerOf = (view: string, generation: number): string =>
  `compute.${view}.${generation}`;

const startOffsetsConsumer = (consumer: string): string => `${consumer}.fill`;

/**
 * The raw offsets at which this generation's life began: what lies below is its past, where nothing
 * is late ("a replay takes it in"). Written once, so that a fill that was killed goes on as it
 * began.
 */
const fillEnd = async (
  log: TransactionalLog,
  consumer: string,
  raw: string,
  features: string,
): Promise<readonly number[]> => {
  const mark = startOffsetsConsumer(consumer);
  const marked = await log.committed(mark, raw);
  const begun = await log.committed(consumer, raw);
  if ([...marked, ...begun].some((offset) => offset > 0)) return marked;
  const ends = await log.end(raw);
  if (ends.some((offset) => offset > 0)) {
    // None of its updates lies before the present end of features.<view>: a rebuild need not read
    // what others wrote.
    const [born = 0] = await log.end(features);
    await log.append({
      records: [],
      positions: [
        ...ends.map((offset, partition) => ({ consumer: mark, topic: raw, partition, offset })),
        { consumer: mark, topic: features, partition: 0, offset: born },
      ],
    });
  }
  return ends;
};

export const openGeneration = async (
  spec: GenerationSpec,
  dependencies: ComputeDependencies,
): Promise<Generation> => {
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

  const past = await fillEnd(log, consumerOf(view, generation), raw, features);
  let store = createTileStore(plan);
  /** the positions as of the last commit; null: to be asked for again */
  let standing: { readonly positions: readonly Position[]; readonly text: string } | null = null;
  let events = 0;
  /** how far into features.<view> a rebuild need not read: other generations write there too */
  let savedOffset = 0;
  /** False while the tiles hold what did not become durable: reads then go to the raw events. */
  let sound = true;
  /**
   * epoch ms: all that was accepted by then is in the tiles, as it was last seen; null: not seen
   * yet
   */
  let completeThrough: number | null = null;

  /** Saved state, then the updates that came after it. */
  const rebuild = async (): Promise<void> => {
    sound = false;
    standing = null;
    const fresh = createTileStore(plan);
    const saved = snapshots.load(view, generation);
    let offset =
      (await log.committed(startOffsetsConsumer(consumerOf(view, generation)), features))[0] ?? 0;
    if (saved !== null && restoreSnapshot(fresh, saved.state)) offset = saved.nextOffset;
    savedOffset = offset;
    const range = { from: offset, maxBytes: READ_BYTES };
    for await (const records of readPartition(log, features, 0, range)) {
      for (const record of records) {
        if (record.schemaId !== schemaId) continue;
        const update = codec.decode(record.value);
        if (update.generation === generation) applyUpdate(fresh, update);
      }
    }
    store = fresh;
    sound = true;
  };

  /** Records come in the order of log time: what was accepted before this one's is in. */
  const seen = (record: LogRecord | undefined): void => {
    if (record !== undefined && record.logTime > (completeThrough ?? 0))
      completeThrough = record.logTime - 1;
  };

  const decode = (record: LogRecord): Row =>
    (record.decoded as Row | undefined) ?? decoders.decode(record.schemaId, record.value);

  const task: StreamTask = {
    consumer: consumerOf(view, generation),
    topics: [raw],
    process(records, commitTime) {
      const out: OutgoingRecord[] = [];
      seen(records[0]);
      for (const record of records) {
        const row = decode(record);
        const eventTime = timeOf(row);
        store.takesLate = record.offset < (past[record.partition] ?? 0);
        const counted = store.process(
          row,
          eventTime,
          record.partition,
          record.offset,
          record.logTime,
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
      standing = null;
      traces?.committed();
    },
    rolledBack() {
      traces?.rolledBack();
      return rebuild();
    },
  };

  await rebuild();
  const handle: TaskHandle = log.run(task);
  const standingNow = (): { readonly positions: readonly Position[]; readonly text: string } => {
    if (standing === null) {
      const positions = handle.position().map(({ partition, offset }) => ({ partition, offset }));
      standing = { positions, text: formatPosition(raw, positions) };
    }
    return standing;
  };
  const positions = (): readonly Position[] => standingNow().positions;
  const served: ServedView = {
    plan,
    version,
    generation,
    schemaId,
    read: (key, at, out, status) => (sound ? store.read(key, at, out, status) : 'needs-history'),
    newest: (key) => store.newestOf(key),
    positions,
    position: () => standingNow().text,
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
      // The tiles stand at the topic's end or past it, never before: updates applied twice change
      // nothing.
      const [nextOffset = 0] = await log.end(features);
      if (!sound || nextOffset - savedOffset < leastUpdates) return;
      savedOffset = nextOffset;
      snapshots.save(view, generation, { nextOffset, state: takeSnapshot(store) });
    },
    stop: () => handle.stop(),
  };
};
