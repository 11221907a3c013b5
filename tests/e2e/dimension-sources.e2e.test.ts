/**
 * Where the rows of a dimension come from: snapshots over HTTP and from files, and change records
 * of Debezium over HTTP and from a Kafka topic.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import avro from 'avsc';
import { col, entity, featureView, last, source } from 'millrace';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createIngestRecords } from '#commands/ingest/ingest-topic.ts';
import { openSourceIngest } from '#commands/ingest/source-ingest.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { decodeRejectedEvent } from '#domain/events/rejected-event.ts';
import type { Log, LogRecord } from '#domain/ports/log.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import type { Row } from '#domain/values/value.ts';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { openDatabase } from '#infra/sqlite/database.ts';
import { sqliteSchemaRegistry } from '#infra/sqlite/schema-registry.ts';
import { runInProcess } from '#tests/support/cli.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';

const T = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;
const at = (day: number): string => new Date(T + day * DAY).toISOString();

const customer = entity({ name: 'customer', keys: { id: 'int' } });
// #region dimension
const customers = source({
  name: 'customers',
  fields: { id: 'int', at: 'timestamp', gone: 'boolean?', tier: 'string?', since: 'timestamp?' },
  eventTime: 'at',
  dimension: { key: ['id'], deleted: 'gone' },
});
// #endregion
const changes: SourceDefinition = { ...customers, name: 'changes', changes: 'debezium' };
const features = { tier: last(col('tier')), since: last(col('since')) };
const view = (name: string, from: SourceDefinition) =>
  featureView({ name, entity: customer, source: from, features });

let on: TestPlatform;
let gateway: HttpGateway;
let files: string;

beforeAll(async () => {
  files = mkdtempSync(join(tmpdir(), 'millrace-dimension-'));
  on = await testPlatform();
  await on.platform.registry.apply(
    plain(customer, customers, changes, view('tiers', customers), view('changed', changes)),
    {},
    caller,
  );
  gateway = await createHttpGateway({
    modules: httpModules(),
    platform: on.platform,
    port: 0,
  });
});
afterAll(async () => {
  await gateway?.close();
  await on?.dispose();
  rmSync(files, { recursive: true, force: true });
});

const tiersOf = async (name: string, ids: readonly number[]): Promise<readonly unknown[]> => {
  const { values, status } = await on.platform.serving.read({
    features: [`${name}:tier`],
    entities: ids.map((id) => ({ id })),
  });
  return values.map(([tier], i) => (status[i]?.[0] === 'not-found' ? 'not-found' : tier));
};
const tiers = (...ids: readonly number[]) => tiersOf('tiers', ids);

const post = async (path: string, body: string, type = 'application/x-ndjson') => {
  const answer = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': type },
    body,
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};
const snapshot = (day: number, rows: readonly object[], more = '') =>
  post(
    `/v1/sources/customers/snapshots?time=${at(day)}${more}`,
    rows.map((row) => JSON.stringify(row)).join('\n'),
  );

describe('snapshots', () => {
  test('publish what differs, and only once', async () => {
    const rows = [
      { id: 1, tier: 'gold' },
      { id: 2, tier: null },
      { id: 3, tier: 'basic' },
    ];
    expect(await snapshot(1, rows)).toMatchObject({
      status: 200,
      body: { added: 3, changed: 0, unchanged: 0, gone: 0 },
    });
    expect(await tiers(1, 2, 3, 4)).toEqual(['gold', null, 'basic', 'not-found']);
    expect((await snapshot(1, rows)).body).toMatchObject({ added: 0, unchanged: 3, gone: 0 });
    const next = [
      { id: 1, tier: null },
      { id: 2, tier: null },
      { id: 4, tier: 'gold' },
    ];
    expect((await snapshot(2, next)).body).toMatchObject({
      added: 1,
      changed: 1,
      unchanged: 1,
      gone: 1,
    });
    expect(await tiers(1, 2, 3, 4)).toEqual([null, null, 'not-found', 'gold']);
  });

  test('as JSON, a row that is back exists again', async () => {
    const events = [
      { id: 2, tier: 'a' },
      { id: 3, tier: 'b' },
    ];
    const path = `/v1/sources/customers/snapshots?time=${at(3)}`;
    const answer = await post(path, JSON.stringify({ events }), 'application/json');
    expect(answer.body).toMatchObject({ added: 1, changed: 1, gone: 2 });
    expect(await tiers(1, 2, 3, 4)).toEqual(['not-found', 'a', 'b', 'not-found']);
  });

  const refused: readonly (readonly [
    what: string,
    rows: readonly object[],
    more: string,
    code: string,
    message: RegExp,
  ])[] = [
    ['a row that is not valid', [{ id: 2 }, { id: 'x' }], '', 'MR_SNAPSHOT_INVALID', /row 2: /],
    ['a row twice', [{ id: 2 }, { id: 2 }], '', 'MR_SNAPSHOT_INVALID', /id 2 occurs before/],
    ['a row without its key', [{ tier: 'x' }], '', 'MR_SNAPSHOT_INVALID', /customers\.id/],
    ['a deleted row', [{ id: 2, gone: true }], '', 'MR_SNAPSHOT_INVALID', /gone is true/],
    ['a row of another time', [{ id: 2, at: at(2) }], '', 'MR_SNAPSHOT_INVALID', /has the time/],
    ['no row', [], '', 'MR_SNAPSHOT_INVALID', /has no row/],
    ['no row without a reason', [], '&force=true', 'MR_REASON_REQUIRED', /reason/],
  ];
  test.each(refused)('%s: nothing is published', async (_, rows, more, code, message) => {
    const { body } = await snapshot(4, rows, more);
    expect(body).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(await tiers(1, 2, 3, 4)).toEqual(['not-found', 'a', 'b', 'not-found']);
  });

  test('one that is older than the newest is refused', async () => {
    expect((await snapshot(2, [{ id: 1 }])).body).toMatchObject({
      code: 'MR_REFUSED',
      message: expect.stringContaining('newer'),
    });
  });

  test('a body that is cut publishes nothing', async () => {
    await new Promise<void>((resolve) => {
      const cut = httpRequest(
        `${gateway.url}/v1/sources/customers/snapshots?time=${at(5)}`,
        { method: 'POST', headers: { 'content-type': 'application/x-ndjson' } },
        () => resolve(),
      );
      cut.on('error', () => resolve());
      cut.write('{"id":9,"tier":"cut"}\n');
      setTimeout(() => cut.destroy(), 50);
    });
    expect(
      (
        await snapshot(5, [
          { id: 2, tier: 'a' },
          { id: 3, tier: 'b' },
        ])
      ).body,
    ).toMatchObject({
      added: 0,
      unchanged: 2,
      gone: 0,
    });
  });

  test('from files of the command line', async () => {
    const env = { MILLRACE_URL: gateway.url };
    const csv = join(files, 'table.csv');
    const run = (file: string, ...more: readonly string[]) =>
      runInProcess(['publish', 'customers', file, '--snapshot', at(6), ...more], env);
    writeFileSync(csv, 'id,tier\n2,z\n8,y\n');
    const first = await run(csv);
    expect(first.err).toBe('');
    expect(first.out).toMatch(/1 new, 1 changed, 0 unchanged, 1 gone/);
    expect(await tiers(2, 3, 8)).toEqual(['z', 'not-found', 'y']);
    const broken = join(files, 'broken.ndjson');
    writeFileSync(broken, '{"id":2}\n{"id":\n');
    expect(await run(broken)).toMatchObject({
      status: 1,
      err: expect.stringMatching(/MR_SNAPSHOT_INVALID.*line 2/),
    });
    const empty = join(files, 'empty.ndjson');
    writeFileSync(empty, '');
    expect((await run(empty)).err).toMatch(/has no row/);
    expect(await tiers(2, 3, 8)).toEqual(['z', 'not-found', 'y']);
    expect((await run(empty, '--force', '--reason', 'test')).out).toMatch(/2 gone/);
    expect(await tiers(2, 3, 8)).toEqual(['not-found', 'not-found', 'not-found']);
    const { snapshots } = (await (
      await fetch(`${gateway.url}/v1/sources/customers/snapshots`)
    ).json()) as { snapshots: readonly object[] };
    expect(snapshots.at(-1)).toMatchObject({ time: T + 6 * DAY, gone: 2, reason: 'test' });
  });
});

const envelope = (op: string, day: number, before: unknown, after: unknown): object => ({
  op,
  before,
  after,
  ts_ms: T + 99 * DAY,
  source: { ts_ms: T + day * DAY, table: 'customers' },
});

/** A new row whose column has this type in the schema of the record. */
const typed = (field: string, type: string, name?: string): object => ({
  schema: {
    type: 'struct',
    fields: [{ type: 'struct', field: 'after', fields: [{ type, field, name }] }],
  },
  payload: envelope('c', 1, null, { id: 1, [field]: type === 'bytes' ? 'BM4=' : 5 }),
});

describe("Debezium's change records", () => {
  const rejections: readonly (readonly [object | null, RegExp])[] = [
    [envelope('t', 1, null, null), /op "t" is none of c, u, d and r/],
    [{ id: 1, tier: 'x' }, /has no "op"/],
    [envelope('c', 1, null, null), /needs the row in "after"/],
    [envelope('d', 1, null, null), /needs the row in "before"/],
    [envelope('u', 1, null, { tier: 'x' }), /key field id is not in "after"/],
    [envelope('u', 1, { id: 1 }, { id: 2 }), /changes the key/],
    [envelope('u', 1, null, { id: 1, tier: '__debezium_unavailable_value' }), /REPLICA IDENTITY/],
    [{ op: 'c', after: { id: 1 } }, /has no time/],
    [envelope('c', 1, null, { id: 1, tier: 5 }), /changes\.tier/],
    [null, /has no "op"/],
    [typed('tier', 'bytes', 'org.apache.kafka.connect.data.Decimal'), /tier: .*decimal\.handling/],
    [typed('tier', 'bytes'), /tier: the column is bytes, and the field string/],
    [typed('since', 'int32', 'io.debezium.time.Time'), /since: the column is a time of day/],
  ];

  test('over HTTP: rows, updates, deletes and rows that come back', async () => {
    const events = [
      envelope('r', 1, null, { id: 1, tier: 'gold', more: 1 }),
      { schema: null, payload: envelope('c', 2, null, { id: 2, tier: 'gold' }) },
      envelope('u', 4, { id: 1 }, { id: 1, tier: null }),
      envelope('u', 3, { id: 1 }, { id: 1, tier: 'late' }),
      envelope('d', 5, { id: 2, tier: 'gold' }, null),
      envelope('d', 4, { id: 3 }, null),
      envelope('c', 5, null, { id: 3, tier: 'back' }),
    ];
    const path = '/v1/sources/changes/events';
    const { body } = await post(path, events.map((event) => JSON.stringify(event)).join('\n'));
    expect(body).toMatchObject({ accepted: events.length, rejected: [] });
    expect(await tiersOf('changed', [1, 2, 3])).toEqual([null, 'not-found', 'back']);
  });

  test('others are rejected with the reason', async () => {
    const { rejected } = await on.platform.publishing.publish(
      { source: 'changes', events: rejections.map(([event]) => event) },
      caller,
    );
    expect(rejected.length).toBe(rejections.length);
    rejections.forEach(([, reason], i) => {
      expect(rejected[i]?.message).toMatch(reason);
    });
  });

  test('from a Kafka topic, in JSON and in Avro, with the units of its schema', async () => {
    const database = openDatabase(join(files, 'schemas.db'));
    const schemas = sqliteSchemaRegistry(database);
    const log = { createTopic: async () => {} } as unknown as Log;
    const definition = JSON.parse(JSON.stringify(changes));
    const dependencies = { log, schemas, now: () => T + 100 * DAY };
    const ingest = await openSourceIngest(definition, 1, dependencies, null);
    const micro = { type: 'long', 'connect.name': 'io.debezium.time.MicroTimestamp' };
    const schema = {
      type: 'record',
      name: 'Envelope',
      namespace: 'shop.customers',
      fields: [
        {
          name: 'before',
          type: [
            'null',
            {
              type: 'record',
              name: 'Value',
              fields: [
                { name: 'id', type: 'int' },
                { name: 'tier', type: ['null', 'string'], default: null },
                { name: 'since', type: ['null', micro], default: null },
              ],
            },
          ],
        },
        { name: 'after', type: ['null', 'Value'] },
        {
          name: 'source',
          type: { type: 'record', name: 'Source', fields: [{ name: 'ts_ms', type: 'long' }] },
        },
        { name: 'op', type: 'string' },
        { name: 'ts_ms', type: ['null', 'long'] },
      ],
    };
    const schemaId = await schemas.register('changes-debezium', schema);
    const since = Date.UTC(1969, 11, 31, 23, 59, 59, 999);
    const record = (value: Uint8Array, id = -1): LogRecord => ({
      topic: 'ingest.changes',
      partition: 0,
      offset: 0,
      key: null,
      logTime: T,
      value,
      schemaId: id,
    });
    const inAvro = (change: object): LogRecord =>
      record(avro.Type.forSchema(schema as never).toBuffer(change), schemaId);
    const wrapped = {
      schema: {
        type: 'struct',
        fields: ['before', 'after'].map((field) => ({
          type: 'struct',
          field,
          fields: [
            { type: 'int32', field: 'id' },
            { type: 'int64', field: 'since', name: 'io.debezium.time.NanoTimestamp' },
          ],
        })),
      },
      payload: envelope('c', 2, null, { id: 2, since: 'NANOS' }),
    };
    const ingestRecords = createIngestRecords(ingest, { schemas, now: () => T + 100 * DAY });
    const { records } = await ingestRecords([
      inAvro(envelope('c', 1, null, { id: 1, tier: 'gold', since: -1 })),
      inAvro(envelope('d', 3, { id: 1, tier: null, since: null }, null)),
      record(new Uint8Array()),
      record(Buffer.from(JSON.stringify(wrapped).replace('"NANOS"', '-1000000000000000001'))),
      record(Buffer.from(JSON.stringify(envelope('x', 1, null, null)))),
    ]);
    const rows = records
      .filter(({ topic }) => topic === rawTopic('changes'))
      .map(({ value }): Row => ingest.codec.decode(value));
    expect(rows).toEqual([
      { id: 1, at: T + DAY, gone: null, tier: 'gold', since },
      { id: 1, at: T + 3 * DAY, gone: true, tier: null, since: null },
      { id: 2, at: T + 2 * DAY, gone: null, tier: null, since: -1_000_000_000_001 },
    ]);
    const [rejected] = records.filter(({ topic }) => topic !== rawTopic('changes'));
    expect(decodeRejectedEvent((rejected as { value: Uint8Array }).value).message).toMatch(
      /op "x"/,
    );
    database.close();
  });
});
