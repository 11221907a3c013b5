/** Arrow in and out: spines from files of Arrow IPC, and data sets as a stream of it. */
import { writeFileSync } from 'node:fs';
import {
  Bool,
  DateDay,
  Field,
  Int32,
  Int64,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  TimestampMicrosecond,
  TimestampNanosecond,
  tableFromIPC,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { col, last } from 'millrace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call } from '#tests/support/server.ts';
import type { Workplace } from './files.ts';
import { type SalesServer, salesServer } from './sales.ts';

const HOUR = 3_600_000;
const T = Date.UTC(2026, 0, 1);

let server: SalesServer;
let work: Workplace;

beforeAll(async () => {
  const first = {
    ...{ shop: 'a', at: T, n: 2 ** 53 - 1, raw: 'AAH/' },
    ...{ day: '2026-01-31', open: true, item: 'tea' },
  };
  const second = { shop: 'a', at: T + 1, n: null, raw: null, day: null, open: null, item: 'jam' };
  server = await salesServer([first, second], { open: last(col('open')) });
  ({ work } = server);
});
afterAll(() => server.close());

const run: SalesServer['run'] = (...args) => server.run(...args);

/** Times as Arrow stores them: `vectorFromArray` takes milliseconds only. */
const times = (type: TimestampMicrosecond | TimestampNanosecond, values: readonly bigint[]) =>
  makeData({
    type,
    length: values.length,
    nullCount: 0,
    data: BigInt64Array.from(values),
  } as never);

const NANOS_LATER = 1_234n;
const spineTable = (): Table => {
  const fields = [
    new Field('event_timestamp', new TimestampNanosecond('UTC'), true),
    new Field('shop', new Utf8(), true),
    new Field('big', new Int64(), true),
    new Field('local', new TimestampMicrosecond(), true),
    new Field('tags', new List(new Field('item', new Int32(), true)), true),
    new Field('due', new DateDay(), true),
    new Field('flag', new Bool(), true),
  ];
  const schema = new Schema(fields);
  const batch = (rows: readonly (readonly [time: number, shop: string | null])[]): RecordBatch => {
    const of = (type: never, values: readonly unknown[]) =>
      vectorFromArray(values as never, type).data[0];
    const children = [
      times(
        new TimestampNanosecond('UTC'),
        rows.map(([time]) => BigInt(time) * 1_000_000n + NANOS_LATER),
      ),
      of(
        new Utf8() as never,
        rows.map(([, name]) => name),
      ),
      of(
        new Int64() as never,
        rows.map((_, i) => (i === 0 ? 9_007_199_254_740_993n : null)),
      ),
      times(
        new TimestampMicrosecond(),
        rows.map(([time]) => BigInt(time) * 1000n + 7n),
      ),
      of(
        fields[4]?.type as never,
        rows.map((_, i) => (i === 0 ? [1, null, 3] : null)),
      ),
      of(
        new DateDay() as never,
        rows.map(() => new Date(Date.UTC(1969, 11, 31))),
      ),
      of(
        new Bool() as never,
        rows.map((_, i) => (i === 0 ? null : false)),
      ),
    ];
    const data = makeData({
      type: new Struct(schema.fields),
      length: rows.length,
      nullCount: 0,
      children,
    } as never);
    return new RecordBatch(schema, data as never);
  };
  return new Table(schema, [
    batch([
      [T + HOUR, 'nowhere'],
      [T + 1, 'a'],
    ]),
    batch([[T, 'a']]),
  ]);
};

test.each([
  ['file', 'arrow'],
  ['stream', 'arrows'],
] as const)('a spine from Arrow IPC, the format for a %s', async (format, extension) => {
  const spine = work.path(`spine.${extension}`);
  writeFileSync(spine, tableToIPC(spineTable(), format));
  const out = work.path(`${format}.parquet`);
  const made = await run('dataset', 'of_shop', '--spine', spine, '--out', out);
  expect(made, made.err).toMatchObject({ status: 0 });
  const rows = await work.query(
    `SELECT epoch_ns(event_timestamp)::VARCHAR, shop, big::VARCHAR, epoch_us("local")::VARCHAR, tags::VARCHAR, due::VARCHAR, flag, sold::INTEGER, items::VARCHAR FROM '${out}'`,
  );
  const micros = (ms: number): string => `${BigInt(ms) * 1000n + 7n}`;
  const nanos = (ms: number): string => `${BigInt(ms) * 1_000_000n + 1_000n}`;
  expect(rows).toEqual([
    [
      nanos(T + HOUR),
      'nowhere',
      '9007199254740993',
      micros(T + HOUR),
      '[1, NULL, 3]',
      '1969-12-31',
      null,
      0,
      null,
    ],
    [nanos(T + 1), 'a', null, micros(T + 1), null, '1969-12-31', false, 2, '[jam, tea]'],
    [nanos(T), 'a', '9007199254740993', micros(T), '[1, NULL, 3]', '1969-12-31', null, 1, '[tea]'],
  ]);
});

test('what is no Arrow, or not of a known type, is refused by name', async () => {
  const refused = async (name: string, bytes: Uint8Array): Promise<string> => {
    const spine = work.path(name);
    writeFileSync(spine, bytes);
    return (await run('dataset', 'of_shop', '--spine', spine, '--out', work.path('no.parquet')))
      .err;
  };
  expect(await refused('broken.arrow', Buffer.from('not arrow at all'))).toMatch(
    /MR_SPINE_INVALID.*cannot be read as Arrow IPC/,
  );
  expect(await refused('empty.arrow', Buffer.alloc(0))).toContain('MR_SPINE_INVALID');
  const nested = new Table({
    shop: vectorFromArray(['a']),
    event_timestamp: vectorFromArray([new Date(T)]),
    pair: vectorFromArray([{ x: 1 }]),
  });
  expect(await refused('nested.arrow', tableToIPC(nested, 'file'))).toMatch(
    /column "pair" of the spine has Arrow's type Struct/,
  );
});

test('a data set as a stream of Arrow has its types, its nulls and its order', async () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => ({
    row: i,
    shop: i % 3 === 0 ? 'nowhere' : 'a',
    event_timestamp: new Date(T + (i % 2)).toISOString(),
  }));
  const started = await call(server.url, '/v1/datasets', {
    body: { view: 'of_shop', spine: { rows }, name: 'streamed', withStatus: true },
  });
  expect(started.status).toBe(202);
  await server.on.platform.datasets.ended((started.body as { id: string }).id);
  const answer = await fetch(`${server.url}/v1/datasets/streamed/data`, {
    headers: { accept: 'application/vnd.apache.arrow.stream' },
  });
  expect(answer.headers.get('content-type')).toBe('application/vnd.apache.arrow.stream');
  const table = tableFromIPC(new Uint8Array(await answer.arrayBuffer()));
  expect(table.schema.fields.map(({ name, type }) => `${name}: ${type}`)).toEqual([
    'row: Int64',
    'shop: Utf8',
    'event_timestamp: Timestamp<MICROSECOND, UTC>',
    'sold: Int64',
    'sold__status: Utf8',
    'open: Bool',
    'open__status: Utf8',
    'n: Int64',
    'n__status: Utf8',
    'at_last: Timestamp<MICROSECOND, UTC>',
    'at_last__status: Utf8',
    'day: Date32<DAY>',
    'day__status: Utf8',
    'raw: Binary',
    'raw__status: Utf8',
    'items: List<Utf8>',
    'items__status: Utf8',
  ]);
  expect(table.numRows).toBe(20_000);
  expect(table.batches.length).toBeGreaterThan(1);
  const at = (name: string, row: number): unknown => table.getChild(name)?.get(row);
  for (const row of [0, 7, 2_049, 16_385, 19_999]) expect(at('row', row)).toBe(BigInt(row));
  expect([at('sold', 1), at('n', 1), at('at_last', 1)]).toEqual([2n, 9007199254740991n, T + 1]);
  expect(Number(at('day', 1))).toBe(Date.UTC(2026, 0, 31));
  expect([...(at('raw', 2) as Uint8Array)]).toEqual([0, 1, 255]);
  expect([at('open', 1), at('open', 0)]).toEqual([true, null]);
  expect([...(at('items', 1) as Iterable<string>)]).toEqual(['jam', 'tea']);
  expect([at('items', 0), at('items__status', 0)]).toEqual([null, 'not-found']);
});

test('a data set that is a CSV file has no types to stream', async () => {
  const spine = work.path('few.csv');
  writeFileSync(spine, `shop,event_timestamp\na,${new Date(T).toISOString()}\n`);
  const out = work.path('few-out.csv');
  await run('dataset', 'of_shop', '--spine', spine, '--out', out, '--name', 'few');
  const answer = await call(server.url, '/v1/datasets/few/data', {
    headers: { accept: 'application/vnd.apache.arrow.stream' },
  });
  expect(answer.body).toMatchObject({
    code: 'MR_REFUSED',
    message: expect.stringContaining('make it as Parquet'),
  });
});
