/**
 * The promise: bytes that do not match their schema are refused with a code, by every decoder of
 * stored data and of records from other producers. No decoder runs on, allocates what a count only
 * claims, or returns a value that no encoder would have written.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { createIngestRecords } from '#commands/ingest/ingest-topic.ts';
import { openSourceIngest } from '#commands/ingest/source-ingest.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { featuresAvroSchema } from '#domain/encoding/features-schema.ts';
import { packEntity } from '#domain/encoding/packed-block.ts';
import { packedReader } from '#domain/encoding/packed-reader.ts';
import { packedRefs } from '#domain/encoding/packed-refs.ts';
import { unpackEntity } from '#domain/encoding/stored-block.ts';
import { tileCodec } from '#domain/encoding/tile-codec.ts';
import { packedUpdateReader } from '#domain/encoding/update-packed.ts';
import { MillraceError } from '#domain/errors.ts';
import { decodeLateEvent, encodeLateEvent } from '#domain/events/late-event.ts';
import { decodeRejectedEvent, encodeRejectedEvent } from '#domain/events/rejected-event.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { decodeCommit, encodeCommit } from '#domain/registry/registry-record.ts';
import { producerDecoder } from '#domain/sources/producer-decoder.ts';
import { rawCodec } from '#domain/sources/raw-codec.ts';
import { rawAvroSchema } from '#domain/sources/source-schema.ts';
import { createTileStore } from '#domain/tiles/tile-store.ts';
import { streamTasks } from '#infra/embedded-engine/stream-tasks.ts';
import { recordDecoder } from '#infra/iceberg/record-decoder.ts';
import { hybridClock } from '#infra/shared/clock/hybrid-clock.ts';
import { readAvroFile, writeAvroFile } from '#infra/shared/iceberg/avro-file.ts';
import { openDatabase } from '#infra/sqlite/database.ts';
import { sqliteLog } from '#infra/sqlite/log.ts';
import { sqliteSchemaRegistry } from '#infra/sqlite/schema-registry.ts';
import { mutateBytes, varint } from './support/bytes.ts';
import { DEFINITIONS } from './support/fixture.ts';
import { randomOf, SEED } from './support/random.ts';

const RUNS = Number(process.env.MILLRACE_RUNS ?? 3_000);
const source = DEFINITIONS.find(({ kind }) => kind === 'source') as SourceDefinition;
const entity = DEFINITIONS.find(({ kind }) => kind === 'entity');
const view = DEFINITIONS.find(({ name }) => name === 'turnover');
const plan = planView(view as never, source, entity as never);

const row = {
  id: 'i1',
  shop: 'Zürich',
  at: 1_700_000_000_000,
  amount: 5.5,
  pieces: 3,
  day: 20_000,
  tag: 'AQI=',
  ids: [1, -2, 2 ** 53 - 1],
  note: 'n'.repeat(50),
};

/**
 * Runs a decoder on broken bytes. Returns what it decodes, if anything. @throws any error that is
 * not a refusal
 */
const decoded = <T>(decode: (bytes: Uint8Array) => T, right: Uint8Array, name: string): T[] => {
  const random = randomOf(SEED);
  const values: T[] = [];
  let refused = 0;
  for (let i = 0; i < RUNS; i++) {
    const bytes = mutateBytes(right, random);
    try {
      values.push(decode(bytes));
    } catch (error) {
      if (!(error instanceof MillraceError))
        throw new Error(
          `${name}, seed ${SEED}, run ${i}, of ${bytes.toString('hex')}: ${String(error)}`,
          { cause: error },
        );
      expect(error.code).toBe('MR_STORAGE_FAILED');
      refused++;
    }
  }
  expect(refused, 'some bytes must be refused, or nothing was tested').toBeGreaterThan(RUNS / 10);
  return values;
};

const tiles = () => {
  const store = createTileStore(plan);
  for (let i = 0; i < 5; i++)
    store.process({ ...row, note: `n${i}` } as never, row.at + i, 0, i, row.at + i);
  const records: Uint8Array[] = [];
  tileCodec(plan).encodeChanges(store, 1, 1, (value) => records.push(Buffer.from(value)));
  return records;
};

describe(`seed ${SEED}`, () => {
  test('raw events: a decoded event can be encoded, and decodes to the same again', () => {
    const codec = rawCodec(source);
    const ofProducer = producerDecoder(source, rawAvroSchema(source));
    const right = codec.encode(row);
    expect(ofProducer(right)).toEqual(row);
    for (const value of decoded(ofProducer, right, 'raw')) {
      const numbers = [
        value.at,
        value.pieces,
        value.day,
        ...((value.ids as number[] | null) ?? []),
      ].filter((n) => n !== null);
      // A number past 2^53 keeps its digits, and the validation rejects it.
      if (!numbers.every(Number.isSafeInteger)) continue;
      expect(ofProducer(codec.encode(value))).toEqual(value);
    }
    decoded(codec.decode, right, 'raw, of our own log');
  });

  test('false counts allocate nothing', () => {
    const codec = rawCodec({
      ...source,
      fields: { id: 'string', shop: 'string', at: 'timestamp', ids: 'array<long>' },
    });
    const head = Buffer.concat([
      varint(1n),
      Buffer.from('i'),
      varint(1n),
      Buffer.from('s'),
      varint(5n),
    ]);
    for (const count of [1n << 40n, -(1n << 40n), (1n << 62n) - 1n]) {
      const before = process.memoryUsage().heapUsed;
      expect(() => codec.decode(Buffer.concat([head, varint(count), Buffer.alloc(10)]))).toThrow(
        /more items than bytes/,
      );
      expect(process.memoryUsage().heapUsed - before).toBeLessThan(50 * 2 ** 20);
    }
  });

  test('feature updates, by both decoders', () => {
    for (const right of tiles()) {
      decoded(tileCodec(plan).decode, right, 'tile');
      decoded(packedUpdateReader(featuresAvroSchema(plan), plan), right, 'packed update');
    }
  });

  test('records read into columns', () => {
    const none = (): void => undefined;
    const column = { setNull: none, setNumber: none, setBytes: none, setList: none };
    const columns = new Map(Object.keys(row).map((name) => [name, column as never]));
    decoded(
      (bytes) => recordDecoder(rawAvroSchema(source), columns)(bytes, 0),
      rawCodec(source).encode(row),
      'columns',
    );
    const features = featuresAvroSchema(plan) as {
      readonly fields: readonly { readonly name: string }[];
    };
    const all = new Map(features.fields.map(({ name }) => [name, column as never]));
    for (const right of tiles())
      decoded((bytes) => recordDecoder(features, all)(bytes, 0), right, 'feature columns');
  });

  test('records of the registry, of late and of rejected events', () => {
    const command = {
      id: 'c',
      type: 'RegisterEntity',
      data: { a: [1, 2] },
      actor: 'ann',
      reason: 'r',
      time: 5,
    };
    const events = [{ type: 'EntityRegistered', data: { b: 1 } }];
    const commit = {
      position: 1,
      stream: 's',
      version: 1,
      command,
      refusal: null,
      events,
    } as never;
    decoded(decodeCommit, encodeCommit(commit), 'registry');
    const late = {
      key: 'k',
      eventTime: 1,
      partition: 0,
      offset: 5,
      hopMs: 1000,
      lateBy: 7,
      generation: 1,
    };
    decoded(decodeLateEvent, encodeLateEvent(late as never), 'late');
    const rejected = {
      code: 'MR_FIELD_TYPE',
      field: 'amount',
      message: 'm',
      event: '{}',
      actor: 'ann',
    };
    decoded(decodeRejectedEvent, encodeRejectedEvent(rejected), 'rejected');
  });

  test('Avro files', () => {
    const schema = {
      type: 'record',
      name: 'r',
      fields: [
        { name: 'a', type: 'long' },
        { name: 'b', type: { type: 'array', items: 'string' } },
      ],
    };
    const rows = Array.from({ length: 20 }, (_, a) => ({ a, b: ['x', 'y'] }));
    const right = writeAvroFile(schema, rows, {});
    expect(readAvroFile(right)).toEqual(rows);
    // A changed byte in the header's other entries may have no effect.
    for (const read of decoded((bytes) => readAvroFile(Buffer.from(bytes)), right, 'file'))
      expect(read.length % rows.length).toBe(0);
  });

  test('entities packed in a store, whole or broken', () => {
    const reader = packedReader(plan);
    const random = randomOf(SEED);
    const hops = plan.hops.map((hop) => ({
      tileNo: Float64Array.from([0]),
      newest: Float64Array.from([row.at]),
      causePartition: new Float64Array(1),
      causeOffset: new Float64Array(1),
      nums: new Float64Array(hop.nums),
      fixed: new Float64Array(0),
      refs: [new Array(hop.refs).fill(null)],
    }));
    const head = {
      partition: 0,
      offset: 5,
      whole: true,
      since: null,
      newest: row.at,
      keptFrom: Number.NEGATIVE_INFINITY,
    };
    const right = packEntity({
      ...head,
      hops: hops.map((hop, h) => ({
        ...hop,
        fixed: new Float64Array(packedRefs(plan.hops[h] as never).width),
      })),
    } as never);
    expect(unpackEntity(plan, right)).not.toBeNull();
    let absent = 0;
    for (let i = 0; i < RUNS; i++) {
      const entity = unpackEntity(plan, mutateBytes(right, random));
      if (entity === null) absent++;
      else
        for (const { tileNo, nums } of entity.hops)
          expect(nums.length % Math.max(1, tileNo.length)).toBe(0);
      if (entity !== null)
        expect(['ok', 'needs-history']).toContain(reader.read(entity, Date.now(), [], []));
    }
    expect(absent).toBeGreaterThan(RUNS / 10);
  });
});

describe('the ingest topic', () => {
  const database = openDatabase(':memory:');
  const log = sqliteLog(database, hybridClock(), streamTasks);
  const schemas = sqliteSchemaRegistry(database);
  const now = (): number => row.at + 1000;
  let screen: ReturnType<typeof createIngestRecords>;
  let schemaId = 0;
  beforeAll(async () => {
    const ingest = await openSourceIngest(source, 1, { log, schemas, now }, null);
    schemaId = ingest.schemaId;
    screen = createIngestRecords(ingest, { schemas, now });
  });

  const record = (value: Uint8Array, id: number) =>
    ({
      topic: 'ingest.sales',
      partition: 0,
      key: null,
      value,
      schemaId: id,
      offset: 0,
      logTime: 0,
    }) as never;
  const ingested = async (
    value: Uint8Array,
    id: number,
  ): Promise<{ topic: string; value: Uint8Array } | undefined> => {
    const { records, undo } = await screen([record(value, id)]);
    undo();
    return records[0];
  };

  test(`any record is taken or rejected, and none stops the ingestion, seed ${SEED}`, async () => {
    const random = randomOf(SEED);
    const avro = rawCodec(source).encode(row);
    const json = Buffer.from(JSON.stringify({ ...row, day: '2024-10-04' }));
    expect((await ingested(avro, schemaId))?.topic).toBe('raw.sales');
    expect((await ingested(json, -1))?.topic).toBe('raw.sales');
    let rejected = 0;
    for (let i = 0; i < RUNS / 3; i++) {
      for (const [right, id] of [
        [avro, schemaId],
        [json, -1],
        [avro, -1],
        [avro, 999],
      ] as const) {
        const made = await ingested(mutateBytes(right, random), id);
        if (made?.topic !== 'rejected.sales') continue;
        rejected++;
        expect(decodeRejectedEvent(made.value).code).toMatch(/^MR_/);
      }
    }
    expect(rejected).toBeGreaterThan(RUNS / 3);
  });

  test('a record nested too deeply is rejected, and those behind it are taken', async () => {
    const deep = Buffer.from(`{"note":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
    const made = await ingested(deep, -1);
    expect(made?.topic).toBe('rejected.sales');
    expect(decodeRejectedEvent(made?.value as Uint8Array)).toMatchObject({
      code: 'MR_BODY_INVALID',
      message: expect.stringMatching(/nested/),
    });
  });

  test('a text that is no UTF-8 is rejected, not read as another text', async () => {
    const right = Buffer.from(rawCodec(source).encode({ ...row, note: 'zzzz' }));
    right.write('\xff', right.indexOf('zzzz'), 'latin1');
    const made = await ingested(right, schemaId);
    expect(made?.topic).toBe('rejected.sales');
    expect(decodeRejectedEvent(made?.value as Uint8Array).message).toMatch(/UTF-8/);
  });
});
