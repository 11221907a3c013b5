/**
 * The history's contract on the tables that Flink's archive job appends to, from Kafka: created,
 * evolved and maintained as a platform does.
 */
import { Kafka } from 'kafkajs';
import { afterAll, beforeAll } from 'vitest';
import { avroCodec } from '#domain/avro/codec.ts';
import {
  col,
  entity,
  featureView,
  last,
  lastK,
  source,
  sum,
  topK,
} from '#domain/definitions/index.ts';
import type {
  EntityDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import { parseDefinition } from '#domain/definitions/parse.ts';
import { featuresAvroSchema } from '#domain/encoding/features-schema.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import { rawAvroSchema } from '#domain/sources/source-schema.ts';
import { ensureArchive } from '#infra/flink/ensure-materialize.ts';
import { openStackHistory, type StackHistory } from '#infra/flink/history.ts';
import { ARCHIVE_JOB } from '#infra/flink/sql/names.ts';
import { type HistoryUnderTest, historyContract } from '#tests/contracts/history.contract.ts';
import { T } from '#tests/contracts/history.samples.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import { type EngineOfTest, openEngine } from '#tests/stack/support/flink-jobs.ts';
import { uniqueName } from '#tests/stack/support/platform.ts';
import { icebergTables, spillDirectory } from '#tests/stack/support/warehouse.ts';

const parsed = <D>(definition: unknown): D =>
  parseDefinition(JSON.parse(JSON.stringify(definition))) as D;

const FIELDS = {
  date: 'timestamp',
  origin: 'string',
  delay: 'double?',
  seats: 'int?',
  big: 'long?',
  ok: 'boolean?',
  day: 'date?',
  blob: 'bytes?',
  tags: 'array<string>?',
  ratio: 'float?',
} as const;
const airport = entity({ name: uniqueName('airport'), keys: { origin: 'string' } });
const common = { name: uniqueName('flights'), eventTime: 'date', partitions: 2 } as const;
const flights = source({ ...common, fields: FIELDS });
const evolved = source({ ...common, fields: { ...FIELDS, seats: 'long?', note: 'string?' } });
const doubles = source({
  ...common,
  fields: { ...FIELDS, seats: 'double?', big: 'double?', ratio: 'double?', note: 'string?' },
});
const hour = { window: '1h' } as const;
const delays = featureView({
  name: uniqueName('delays'),
  entity: airport,
  source: flights,
  features: {
    delay: sum(col('delay'), hour),
    origins: lastK(col('origin'), 2, hour),
    top: topK(col('origin'), 2, hour),
    tags: last(col('tags'), hour),
  },
});
const plan = planView(
  parsed<FeatureViewDefinition>(delays),
  parsed<SourceDefinition>(flights),
  parsed<EntityDefinition>(airport),
);
const raw = rawTopic(flights.name);
const features = featuresTopic(delays.name);

/** Two updates of that view: one with all kinds of state, one with none. */
const updatesOf = (): HistoryUnderTest['updates'] => {
  const states: Readonly<Record<string, unknown>> = {
    hi: 1.5,
    lo: 2 ** -60,
    n: 3,
    counts: { overflow: false, values: ['x', 'é'], counts: [2, 1] },
  };
  const entry = { event_time: T, partition: 1, offset: 2 ** 40 };
  const slots = featuresAvroSchema(plan).fields.filter(({ name }) => name.startsWith('p_'));
  const stateOf = (name: string, type: unknown): unknown => {
    const slot = name.slice(name.indexOf('__') + 2);
    if (slot !== 'entries') return states[slot];
    const lists = JSON.stringify(type).includes('Ordered_string_array');
    return [{ ...entry, value: lists ? ['a', ''] : 'o\'hare "\\' }];
  };
  const update = (origin: string, filled: boolean): object => ({
    key_origin: origin,
    hop_ms: 60_000,
    tile_start: T,
    newest_event_time: T + 1,
    cause_partition: 1,
    cause_offset: 7,
    version: 1,
    generation: 1,
    watermark: T,
    ...Object.fromEntries(
      slots.map(({ name, type }) => [name, filled ? stateOf(name, type) : null]),
    ),
  });
  return {
    rows: [update('ATL', true), update('JFK', false)],
    key: { key_origin: 'ATL', tile_start: T },
  };
};

const kafka = new Kafka({ brokers: [addresses().kafka], logLevel: 0 });
/**
 * Without transactions, whose markers would take offsets that the suite counts. The parity test
 * covers a history with markers.
 */
const producer = kafka.producer();
let engine: EngineOfTest;

beforeAll(async () => {
  engine = await openEngine();
  await producer.connect();
  await engine.log.createTopic(raw, { partitions: 2 });
  await engine.log.createTopic(features, { partitions: 1 });
});

afterAll(async () => {
  await engine.jobs.discard(ARCHIVE_JOB);
  await producer.disconnect();
  await engine.log.close();
});

const append = async (
  topic: string,
  partition: number,
  schema: object,
  rows: readonly object[],
): Promise<readonly number[]> => {
  const id = await engine.schemas.register(`${topic}-value`, schema);
  const codec = avroCodec(schema);
  const head = Buffer.alloc(5);
  head.writeInt32BE(id, 1);
  // A compacted topic refuses a record without a key.
  const messages = rows.map((row, i) => ({
    partition,
    key: `${i}`,
    value: Buffer.concat([head, codec.toBuffer(row)]),
  }));
  const [written] = await producer.send({ topic, messages, acks: -1 });
  return rows.map(() => Number(written?.logAppendTime));
};

historyContract('Iceberg, appended to by Flink', async () => {
  const open = (): Promise<StackHistory> =>
    openStackHistory({
      tables: icebergTables(),
      spillDirectory: spillDirectory(),
      warehouse: addresses().warehouse,
      gateway: addresses().sqlGateway,
      log: engine.log,
      now: Date.now,
      syncDeadlineMs: 120_000,
    });
  let history = await open();
  let archived: unknown = null;
  /** The archive job, with the current definition of the source. */
  const archive = async (definition: unknown): Promise<void> => {
    if (archived === definition) return;
    archived = definition;
    await ensureArchive(
      {
        ...engine,
        ensureHistory: (what) => history.ensure(what),
        historyEndOffsets: (topic) => history.endOffsets(topic),
      },
      {
        sources: [parsed<SourceDefinition>(definition)],
        views: [{ view: delays.name, flushMs: null, generations: [{ generation: 1, plan }] }],
        featureLogs: [],
      },
    );
  };
  const written = (definition: unknown): object =>
    rawAvroSchema(parsed<SourceDefinition>(definition));
  return {
    history,
    source: flights.name,
    view: delays.name,
    updates: updatesOf(),
    stopsWhereRequested: false,
    async appendRaw(partition, rows) {
      await archive(archived ?? flights);
      return append(raw, partition, written(flights), rows);
    },
    async appendEvolved(partition, rows) {
      const times = await append(raw, partition, written(evolved), rows);
      if (archived !== doubles) await archive(evolved);
      return times;
    },
    async appendDoubles(partition, rows) {
      const times = await append(raw, partition, written(doubles), rows);
      await archive(doubles);
      return times;
    },
    appendUpdates: (rows) => append(features, 0, featuresAvroSchema(plan), rows),
    async reopen() {
      await history.close();
      history = await open();
      return history;
    },
    close: () => history.close(),
  };
});
