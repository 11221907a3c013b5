/**
 * Logging never makes a read wait, never loses an answer silently, and puts each on the log once,
 * whole.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ReadResult } from '#domain/api/serving.ts';
import { avroCodec } from '#domain/avro/codec.ts';
import { featureLogRowOf } from '#domain/feature-log/feature-log-record.ts';
import { isSampled } from '#domain/feature-log/sampled.ts';
import type { Append, Log } from '#domain/ports/log.ts';
import { sqliteSchemaRegistry } from '#infra/sqlite/schema-registry.ts';
import { type OpenLog, openLog, temporaryDirectory } from '#tests/contracts/sqlite.ts';
import {
  createFeatureLog,
  type FeatureLog,
  type FeatureLogLimits,
  type Loggable,
} from './feature-log.ts';

const double = { base: 'double', array: false, nullable: true } as const;
const model = (sample: number | null, ...features: string[]): Loggable => ({
  columns: {
    service: 'model',
    keys: [{ name: 'id', type: { base: 'string', array: false, nullable: false } }],
    request: [],
    features: features.map((name) => ({ name, type: double })),
  },
  sample,
});
const answer = (rows: number, value: number, features: readonly string[] = ['x']): ReadResult => ({
  features,
  values: Array.from({ length: rows }, () => features.map(() => value)),
  status: Array.from({ length: rows }, () => features.map(() => 'present' as const)),
  entities: Array.from({ length: rows }, (_, i) => ({ id: `e${i}` })),
  views: [
    {
      view: 'v',
      version: 1,
      generation: 1,
      eventTime: null,
      position: 'raw.s@0:1',
      completeThrough: 1_000,
    },
  ],
  at: 1_000,
  known: 1_000,
});
const ask = { service: 'model', entities: [] };

let directory: ReturnType<typeof temporaryDirectory>;
let open: OpenLog;
let dropped: [string, number][];
let warned: string[];

beforeEach(() => {
  directory = temporaryDirectory();
  open = openLog(directory.path);
  dropped = [];
  warned = [];
});
afterEach(async () => {
  await open.close();
  directory.remove();
});

const served = (log: Log, limits: Partial<FeatureLogLimits> = {}): FeatureLog =>
  createFeatureLog({
    log,
    schemas: sqliteSchemaRegistry(open.database),
    versions: () => ({ version: 7, onDemand: [] }),
    newId: () => 'test',
    warn: (message) => warned.push(message),
    logged: () => {},
    dropped: (_service, reason, rows) => dropped.push([reason, rows]),
    limits: { flushMs: 600_000, ...limits },
  });

const onLog = async () => {
  const schemas = sqliteSchemaRegistry(open.database);
  const records = await open.log.read('served.model', 0, 0, 1e9);
  return Promise.all(
    records.map(async ({ schemaId, value, logTime, offset }) =>
      featureLogRowOf(
        avroCodec(await schemas.schema(schemaId)).fromBuffer(Buffer.from(value)) as Record<
          string,
          unknown
        >,
        {
          position: String(offset),
          logTime,
        },
      ),
    ),
  );
};

describe('the log of what was served', () => {
  test('a share of the requests, whole: every row of a request or none', async () => {
    const log = served(open.log);
    await log.follow([model(0.25, 'x')]);
    const ids = Array.from({ length: 2_000 }, (_, i) => `r-${i}`);
    for (const requestId of ids) log.note(ask, answer(3, 1), { actor: 'a', requestId });
    await log.flush();
    const rows = await onLog();
    const wanted = ids.filter((id) => isSampled(id, 0.25));
    expect(rows.map(({ requestId, row }) => `${requestId}#${row}`)).toEqual(
      wanted.flatMap((id) => [0, 1, 2].map((row) => `${id}#${row}`)),
    );
    expect(rows[1]).toMatchObject({
      rows: 3,
      sample: 0.25,
      serviceVersion: 7,
      entity: { id: 'e1' },
      values: { x: 1 },
    });
    expect(Math.abs(wanted.length / ids.length - 0.25)).toBeLessThan(0.05);
    await log.close();
  });

  test('reads of the past, other services and services without logging leave nothing', async () => {
    const log = served(open.log);
    await log.follow([model(1, 'x')]);
    log.note({ ...ask, at: 5 }, answer(1, 1), { actor: 'a' });
    log.note({ ...ask, known: 5 }, answer(1, 1), { actor: 'a' });
    log.note({ ...ask, service: 'other' }, answer(1, 1), { actor: 'a' });
    await log.follow([model(null, 'x')]);
    log.note(ask, answer(1, 1), { actor: 'a' });
    await log.flush();
    expect(await onLog()).toEqual([]);
    await log.close();
  });

  test('a request without an id gets one of its own', async () => {
    const log = served(open.log);
    await log.follow([model(1, 'x')]);
    for (const value of [1, 2]) log.note(ask, answer(1, value), { actor: 'a' });
    await log.close();
    const ids = (await onLog()).map(({ requestId }) => requestId);
    expect(new Set(ids).size).toBe(2);
  });

  test('what does not fit into the buffer is dropped whole and counted; one larger than the buffer is taken', async () => {
    const log = served(open.log, { bufferRows: 10, batchRows: 1_000 });
    await log.follow([model(1, 'x')]);
    for (const rows of [6, 4, 1, 2]) log.note(ask, answer(rows, rows), { actor: 'a' });
    expect(dropped).toEqual([
      ['full', 1],
      ['full', 2],
    ]);
    await log.flush();
    log.note(ask, answer(50, 0), { actor: 'a' });
    await log.close();
    expect((await onLog()).length).toBe(60);
  });

  test('an append that failed after it was made is there once', async () => {
    let failures = 2;
    const flaky: Log = {
      ...open.log,
      async append(batch: Append) {
        const appended = await open.log.append(batch);
        if (failures-- > 0) throw new Error('no answer');
        return appended;
      },
    };
    const log = served(flaky);
    await log.follow([model(1, 'x')]);
    for (let i = 0; i < 3; i++) {
      log.note(ask, answer(2, i), { actor: 'a' });
      await log.flush();
    }
    expect((await onLog()).map(({ values }) => values.x)).toEqual([0, 0, 1, 1, 2, 2]);
    expect(warned).toEqual([expect.stringMatching(/no answer/)]);
    await log.close();
  });

  test('a log that stays away: closing gives up in time and counts what is lost', async () => {
    const log = served(
      { ...open.log, append: () => Promise.reject(new Error('away')) },
      { closeMs: 150 },
    );
    await log.follow([model(1, 'x')]);
    log.note(ask, answer(4, 1), { actor: 'a' });
    await log.close();
    expect(dropped).toEqual([['failed', 4]]);
  });

  test('a feature more is a column more; a type that no column can take stops the logging, and says so', async () => {
    const log = served(open.log);
    await log.follow([model(1, 'x')]);
    log.note(ask, answer(1, 1), { actor: 'a' });
    await log.follow([model(1, 'x', 'y')]);
    log.note(ask, answer(1, 2, ['x', 'y']), { actor: 'a' });
    const text = { base: 'string', array: false, nullable: true } as const;
    const { columns } = model(1, 'x', 'y');
    await log.follow([
      { sample: 1, columns: { ...columns, features: [{ name: 'x', type: text }] } },
    ]);
    log.note(ask, answer(1, 3), { actor: 'a' });
    await log.close();
    expect((await onLog()).map(({ values }) => values)).toEqual([{ x: 1 }, { x: 2, y: 2 }]);
    expect(dropped).toEqual([['schema', 1]]);
    expect(warned).toEqual([expect.stringMatching(/cannot be logged.*x/)]);
  });

  test('a value that its column cannot hold drops that answer and counts it', async () => {
    const log = served(open.log);
    await log.follow([model(1, 'x')]);
    log.note(ask, { ...answer(1, 1), values: [['text']] }, { actor: 'a' });
    log.note(ask, answer(1, 2), { actor: 'a' });
    await log.close();
    expect(dropped).toEqual([['value', 1]]);
    expect((await onLog()).map(({ values }) => values.x)).toEqual([2]);
  });
});
