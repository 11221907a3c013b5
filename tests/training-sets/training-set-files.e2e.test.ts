/**
 * A training set from files to a file, in its thread: the spines that it takes, the output, and the
 * errors.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  avg,
  col,
  count,
  entity,
  featureView,
  last,
  lastK,
  max,
  onDemandFeature,
  request,
  source,
  when,
} from '#domain/definitions/index.ts';
import type { TrainingSetJob } from '#domain/ports/training-set-builder.ts';
import type { Row } from '#domain/values/value.ts';
import { buildTrainingSet } from '#infra/training-sets/build-training-set.ts';
import { runTrainingSet } from '#infra/training-sets/run-training-set.ts';
import { writeBatch } from '#infra/training-sets/write-batch.ts';
import { type Workplace, workplace } from './files.ts';

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const shelf = entity({ name: 'shelf', keys: { shop: 'string', shelf: 'int' } });
const sales = source({
  name: 'sales',
  fields: {
    at: 'timestamp',
    shop: 'string',
    shelf: 'int',
    price: 'double?',
    item: 'string?',
    added_later: 'long?',
  },
  eventTime: 'at',
});
const ofShop = featureView({
  name: 'of_shop',
  entity: shop,
  source: sales,
  features: {
    sold: count({ window: '1h', hop: '1m' }),
    price_avg: avg(col('price'), { window: '1h', hop: '1m' }),
    item: last(col('item')),
    items: lastK(col('item'), 2),
    later: max(col('added_later')),
  },
});
const ofShelf = featureView({
  name: 'of_shelf',
  entity: shelf,
  source: sales,
  features: { sold: count() },
});
const markup = onDemandFeature({
  name: 'markup',
  type: 'double',
  inputs: { average: ofShop.feature('price_avg'), price: request('price', 'double') },
  value: ({ average, price }) => when(price.gt(100), price.minus(average)).otherwise(price),
});

let work: Workplace;
let job: Omit<TrainingSetJob, 'spine' | 'out'>;
const HOUR = 3_600_000;
const T0 = Date.parse('2026-01-01T00:00:00Z');

/** minute, shop, shelf, price, item, offset (in order of arrival), minutes until its log time */
const EVENTS = [
  [0, 'O\'\'Hare, "x"', 1, '10.0', "'tea'", 0, 0],
  [10, 'b', 1, 'NULL', "'jam'", 1, 0],
  [20, 'O\'\'Hare, "x"', 2, '30.0', 'NULL', 3, 0],
  [15, 'O\'\'Hare, "x"', 1, '80.0', "'late'", 4, 40],
  [16, 'b', 2, '5.0', "'beyond'", 5, 60],
] as const;

beforeAll(async () => {
  work = await workplace();
  const rows = EVENTS.map(
    ([minute, name, shelfNo, price, item, offset, lag]) =>
      `SELECT epoch_ms(${T0 + minute * 60_000})::TIMESTAMP AT TIME ZONE 'UTC' AS at, '${name}' AS shop, ${shelfNo}::INTEGER AS shelf, ${price}::DOUBLE AS price, ${item}::VARCHAR AS item,
       0::INTEGER AS _partition, ${offset}::BIGINT AS _offset, epoch_ms(${T0 + (minute + lag) * 60_000})::TIMESTAMP AT TIME ZONE 'UTC' AS _log_time`,
  );
  await work.write('raw-1.parquet', rows.slice(0, 3).join(' UNION ALL '));
  await work.write('raw-2.parquet', rows.slice(3).join(' UNION ALL '));
  job = {
    overwrite: true,
    target: {
      members: [
        ofShop.pick('sold', 'price_avg', 'item', 'items', 'later'),
        ofShelf.pick('sold'),
        { from: 'on-demand', name: 'markup' },
      ],
      views: [
        { view: ofShop, source: sales, entity: shop },
        { view: ofShelf, source: sales, entity: shelf },
      ],
      onDemand: [markup],
    },
    mode: 'event-time',
    sources: {
      sales: { files: [work.path('raw-1.parquet'), work.path('raw-2.parquet')], below: [5] },
    },
  };
});
afterAll(() => work.close());

const csv = (name: string, text: string): { readonly file: string } => {
  writeFileSync(work.path(name), text);
  return { file: work.path(name) };
};

const SPINE = [
  'label,shop,shelf,event_timestamp,price',
  '007,"O\'Hare, ""x""",1,2026-01-01T01:05:00+01:00,50',
  'x,b,1,2026-01-01T00:30:00Z,150',
  `,b,2,${T0 + 30 * 60_000},150`,
  '007,"O\'Hare, ""x""",1,2026-01-01T00:20:00.000Z,150',
  '007,"O\'Hare, ""x""",1,2026-01-01T00:20:00.000Z,150',
  'y,nowhere,1,1969-07-20T20:17:40Z,1',
  'z,,1,2026-01-01T00:30:00Z,',
].join('\n');

const EXPECTED = [
  // sold, price_avg, item, items, later, of_shelf__sold, markup
  ['1', 10, 'tea', ['tea'], null, '1', 50],
  ['1', null, 'jam', ['jam'], null, '1', null],
  ['1', null, 'jam', ['jam'], null, '0', null],
  ['3', 40, 'late', ['late', 'tea'], null, '2', 110],
  ['3', 40, 'late', ['late', 'tea'], null, '2', 110],
  ['0', null, null, null, null, '0', 1],
  [null, null, null, null, null, null, null],
];

test('a CSV spine keeps its columns, texts and row order; values are of each row’s time; names are plain where they are unique', async () => {
  const out = work.path('out.parquet');
  const result = await runTrainingSet({ ...job, spine: csv('spine.csv', SPINE), out });
  const names = [
    'of_shop__sold',
    'price_avg',
    'item',
    'items',
    'later',
    'of_shelf__sold',
    'markup',
  ];
  expect(result).toEqual({ rows: 7, features: names, events: 5 });
  const described = await work.query(`DESCRIBE SELECT * FROM '${out}'`);
  expect(described.map(([name, type]) => [name, type])).toEqual([
    ['label', 'VARCHAR'],
    ['shop', 'VARCHAR'],
    ['shelf', 'INTEGER'],
    ['event_timestamp', 'TIMESTAMP WITH TIME ZONE'],
    ['price', 'DOUBLE'],
    ['of_shop__sold', 'BIGINT'],
    ['price_avg', 'DOUBLE'],
    ['item', 'VARCHAR'],
    ['items', 'VARCHAR[]'],
    ['later', 'BIGINT'],
    ['of_shelf__sold', 'BIGINT'],
    ['markup', 'DOUBLE'],
  ]);
  const rows = await work.query(
    `SELECT * REPLACE (epoch_ms(event_timestamp)::DOUBLE AS event_timestamp) FROM '${out}'`,
  );
  expect(rows.map((row) => row.slice(5))).toEqual(EXPECTED);
  expect(rows.map((row) => row[0])).toEqual(['007', 'x', null, '007', '007', 'y', 'z']);
  expect(rows.map((row) => row[3])).toEqual([
    T0 + 300_000,
    T0 + HOUR / 2,
    T0 + HOUR / 2,
    T0 + HOUR / 3,
    T0 + HOUR / 3,
    -14_182_940_000,
    T0 + HOUR / 2,
  ]);
});

test('a Parquet spine, rows and CSV output give the same values; a repeated request the same bytes', async () => {
  const spine = csv('spine.csv', SPINE);
  const [first, second] = [work.path('a.csv'), work.path('b.csv')];
  await runTrainingSet({ ...job, spine, out: first });
  await runTrainingSet({ ...job, spine, out: second });
  expect(readFileSync(first)).toEqual(readFileSync(second));
  expect(readFileSync(first, 'utf8').split('\n')[1]).toBe(
    '007,"O\'Hare, ""x""",1,2026-01-01T01:05:00+01:00,50,1,10.0,tea,"[""tea""]",,1,50.0',
  );

  const parquet = await work.write(
    'spine.parquet',
    `SELECT * REPLACE (CASE WHEN event_timestamp LIKE '%T%' THEN event_timestamp::TIMESTAMPTZ ELSE make_timestamp(event_timestamp::BIGINT * 1000) AT TIME ZONE 'UTC' END AS event_timestamp)
     FROM read_csv('${spine.file}', header = true, types = {'event_timestamp': 'VARCHAR', 'label': 'VARCHAR'})`,
  );
  await runTrainingSet({ ...job, spine: { file: parquet }, out: work.path('p.parquet') });
  expect((await work.rows(work.path('p.parquet'))).map((row) => row.slice(5))).toEqual(EXPECTED);

  const rows: Row[] = [
    { shop: 'O\'Hare, "x"', shelf: 1, event_timestamp: T0 + 300_000, price: 50 },
    { shop: 'b', shelf: 1, event_timestamp: T0 + HOUR / 2, price: 150 },
  ];
  await runTrainingSet({ ...job, spine: { rows }, out: work.path('r.parquet') });
  expect((await work.rows(work.path('r.parquet'))).map((row) => row.slice(4))).toEqual(
    EXPECTED.slice(0, 2),
  );
});

test('statuses come after each feature, also of on-demand features and of rows without a key', async () => {
  const header = csv('spine.csv', SPINE);
  const [out, text] = [work.path('statuses.parquet'), work.path('statuses.csv')];
  for (const to of [out, text])
    await runTrainingSet({ ...job, withStatus: true, spine: header, out: to });
  const names = ['of_shop__sold', 'price_avg', 'item', 'items', 'later'];
  const columns = [...names, 'of_shelf__sold', 'markup'];
  const described = await work.query(`DESCRIBE SELECT * FROM '${out}'`);
  expect(described.slice(5).map(([name]) => name)).toEqual(
    columns.flatMap((name) => [name, `${name}__status`]),
  );
  const rows = await work.rows(out);
  expect(rows.map((row) => row.slice(5).filter((_, i) => i % 2 === 0))).toEqual(EXPECTED);
  const [present, none] = ['present', 'null'];
  const absent = 'not-found';
  const statuses = [
    [present, present, present, present, none, present, present],
    [present, none, present, present, none, present, none],
    [present, none, present, present, none, absent, none],
    [present, present, present, present, none, present, present],
    [present, present, present, present, none, present, present],
    [absent, absent, absent, absent, absent, absent, present],
    [absent, absent, absent, absent, absent, absent, none],
  ];
  expect(rows.map((row) => row.slice(5).filter((_, i) => i % 2 === 1))).toEqual(statuses);

  const lines = readFileSync(text, 'utf8').split('\n');
  expect(lines[0]).toBe(
    `${SPINE.split('\n')[0]},${columns.map((name) => `${name},${name}__status`).join(',')}`,
  );
  expect(lines[1]).toBe(
    `${SPINE.split('\n')[1]},1,present,10.0,present,tea,present,"[""tea""]",present,,null,1,present,50.0,present`,
  );
  expect(lines[6]).toBe(
    `${SPINE.split('\n')[6]},0,not-found,,not-found,,not-found,,not-found,,not-found,0,not-found,1.0,present`,
  );
});

test('positions from the pinned end on do not count', async () => {
  const out = work.path('pinned.parquet');
  await runTrainingSet({
    ...job,
    sources: { sales: { files: job.sources['sales']?.files ?? [], below: [4] } },
    spine: csv('spine.csv', SPINE),
    out,
  });
  expect((await work.rows(out))[3]?.slice(5, 7)).toEqual(['2', 20]);
});

test('as-served: an event counts from its log time, in the generation that answers for that time', async () => {
  const definitions = { view: ofShop, source: sales, entity: shop };
  const times = [-1, 0, 54, 55, 84, 85, 90].map((minute) => ({
    shop: 'O\'Hare, "x"',
    event_timestamp: T0 + minute * 60_000,
  }));
  const minute = (n: number): number => T0 + n * 60_000;
  const run = async (
    late: readonly { readonly partition: number; readonly offset: number }[],
  ): Promise<unknown[]> => {
    const out = work.path('served.parquet');
    await runTrainingSet({
      ...job,
      target: { members: [ofShop.pick('sold', 'item')], views: [definitions], onDemand: [] },
      mode: 'as-served',
      spine: { rows: times },
      out,
      timelines: {
        of_shop: [
          { generation: 1, version: 1, definitions, from: null, to: minute(85), late },
          { generation: 2, version: 1, definitions, from: minute(85), to: null },
        ],
      },
    });
    return (await work.rows(out)).map((row) => row.slice(2));
  };
  const none = ['0', null];
  // a window reaches back one hour and a started minute: at 84 it has the events from minute 24 on,
  // at 55 all three
  expect(await run([])).toEqual([
    none,
    ['1', 'tea'],
    ['2', 'tea'],
    ['3', 'late'],
    ['0', 'late'],
    ['0', 'late'],
    ['0', 'late'],
  ]);
  expect(await run([{ partition: 0, offset: 4 }])).toEqual([
    none,
    ['1', 'tea'],
    ['2', 'tea'],
    ['2', 'tea'],
    ['0', 'tea'],
    ['0', 'late'],
    ['0', 'late'],
  ]);
});

const refused = async (
  spine: TrainingSetJob['spine'],
  message: RegExp,
  details: object = {},
): Promise<void> => {
  const out = work.path('refused.parquet');
  await expect(buildTrainingSet({ ...job, spine, out })).rejects.toMatchObject({
    code: 'MR_SPINE_INVALID',
    message: expect.stringMatching(message),
    details,
  });
  expect(existsSync(out)).toBe(false);
};

test('an invalid spine is refused with the column, the row and the fix', async () => {
  const head = 'shop,shelf,event_timestamp,price\n';
  const good = 'a,1,2026-01-01T00:00:00Z,1\n';
  await refused({ file: work.path('none.csv') }, /there is no file/);
  await refused(csv('s.txt', head + good), /neither \.parquet nor \.csv/);
  await refused(csv('s.csv', head), /no rows/);
  await refused({ rows: [] }, /no rows/);
  await refused(
    csv('s.csv', 'shop,event_timestamp,price\na,2026-01-01T00:00:00Z,1\n'),
    /no column "shelf", an entity key \(int\)/,
    { column: 'shelf' },
  );
  await refused(csv('s.csv', 'shop,shelf,price\na,1,1\n'), /no column "event_timestamp"/, {
    column: 'event_timestamp',
  });
  await refused(
    csv('s.csv', 'Shop,shelf,event_timestamp,price\na,1,2026-01-01T00:00:00Z,1\n'),
    /it has "Shop"; rename/,
  );
  await refused(
    csv('s.csv', 'shop,shelf,event_timestamp\na,1,2026-01-01T00:00:00Z\n'),
    /no column "price", a request input/,
  );
  await refused(csv('s.csv', `${head}${good}a,1,,1\n`), /event_timestamp of row 2 .* is null/, {
    row: 2,
  });
  await refused(
    csv('s.csv', `${head}${good}${good}a,1,2026-01-01T00:00:00,1\n`),
    /event_timestamp of row 3 .* has no zone: add Z/,
    { row: 3 },
  );
  await refused(csv('s.csv', `${head}a,1,2026-01-01,1\n`), /is a date, not a point in time/);
  await refused(csv('s.csv', `${head}a,1,yesterday,1\n`), /"yesterday" is not a time/);
  await refused(csv('s.csv', `${head}a,one,2026-01-01T00:00:00Z,1\n`), /shelf/);
  await refused(
    {
      file: await work.write(
        's.parquet',
        `SELECT 'a' AS shop, 1.5::DOUBLE AS shelf, now() AS event_timestamp, 1.0 AS price`,
      ),
    },
    /column "shelf" of row 1 .* must be int/,
  );
  await refused(
    {
      file: await work.write(
        's.parquet',
        `SELECT 'a' AS shop, 1 AS shelf, DATE '2026-01-01' AS event_timestamp, 1.0 AS price`,
      ),
    },
    /is a date/,
  );
  await refused(
    csv('s.csv', `markup,${head}1,${good}`),
    /a column "markup", and the data set has a feature/,
  );
});

test('times are read in every form that a spine may have', async () => {
  const forms = [`'2026-01-01T00:05Z'`, `'2026-01-01 02:05:00,000+0200'`, `'${T0 + 300_000}'`]
    .map((text) => `SELECT ${text} AS event_timestamp`)
    .join(' UNION ALL ');
  const ms = T0 + 300_000;
  const columns = [
    `(${ms})::BIGINT`,
    `(${ms})::DOUBLE`,
    `make_timestamp(${ms}000)`,
    `make_timestamp(${ms}999)`,
    `make_timestamp_ns(${ms}999999)`,
    `make_timestamp(${ms}000) AT TIME ZONE 'UTC'`,
  ];
  const target = {
    members: [ofShop.pick('sold')],
    views: [{ view: ofShop, source: sales, entity: shop }],
    onDemand: [],
  };
  const spines = [forms, ...columns.map((column) => `SELECT ${column} AS event_timestamp`)];
  for (const [i, sql] of spines.entries()) {
    const file = await work.write(
      `t${i}.parquet`,
      `SELECT 'O''Hare, "x"' AS shop, * FROM (${sql})`,
    );
    const out = work.path(`t${i}-out.parquet`);
    await buildTrainingSet({ ...job, target, spine: { file }, out });
    for (const row of await work.rows(out)) expect([i, row[2]]).toEqual([i, '1']);
  }
});

test('many rows keep their order', async () => {
  const file = await work.write(
    'many.parquet',
    `SELECT i, 'b' AS shop, make_timestamp(${T0}000 + (hash(i) >> 1)::BIGINT % 10000000000) AS event_timestamp FROM range(300000) r(i)`,
  );
  const target = {
    members: [ofShop.pick('sold')],
    views: [{ view: ofShop, source: sales, entity: shop }],
    onDemand: [],
  };
  const out = work.path('many-out.parquet');
  await buildTrainingSet({ ...job, target, spine: { file }, out });
  // of b's events only that of minute 10 is below the pinned end
  const seen = (minute: number): string =>
    `(event_timestamp >= make_timestamp(${T0 + minute * 60_000}000) AND event_timestamp < make_timestamp(${T0 + minute * 60_000 + HOUR + 60_000}000))::INT`;
  const checked =
    await work.query(`SELECT count(*)::INTEGER, bool_and(o.i = o.file_row_number), bool_and(sold = ${seen(10)}), bool_or(sold = 1), bool_or(sold = 0)
    FROM read_parquet('${out}', file_row_number = true) o`);
  expect(checked).toEqual([[300000, true, true, true, true]]);
});

test('a cancelled run leaves no files behind', async () => {
  const before = readdirSync(work.directory);
  const controller = new AbortController();
  const stages: string[] = [];
  const run = runTrainingSet(
    { ...job, spine: csv('spine.csv', SPINE), out: work.path('cancelled.parquet') },
    {
      signal: controller.signal,
      onProgress: ({ stage }) => {
        stages.push(stage);
        controller.abort();
      },
    },
  );
  await expect(run).rejects.toMatchObject({ name: 'AbortError' });
  expect(stages.length).toBeGreaterThan(0);
  expect(readdirSync(work.directory).sort()).toEqual(before.sort());
  await expect(
    runTrainingSet(
      { ...job, spine: csv('spine.csv', SPINE), out: work.path('cancelled.parquet') },
      { signal: controller.signal },
    ),
  ).rejects.toMatchObject({ name: 'AbortError' });
});

test.each(['csv', 'parquet'] as const)(
  'a cancelled run reads no %s spine to its end',
  async (kind) => {
    const rows = `SELECT 'b' AS shop, 1 AS shelf, 1.5 AS price, CASE i WHEN 99999 THEN 'never' ELSE '2026-01-01' END AS event_timestamp FROM range(100000) r(i)`;
    const file = await work.write(`unread.${kind}`, rows);
    const run = (signal?: AbortSignal) =>
      buildTrainingSet(
        { ...job, spine: { file }, out: work.path('unread-out.csv') },
        signal === undefined ? {} : { signal },
      );
    await expect(run()).rejects.toMatchObject({ code: 'MR_SPINE_INVALID' });
    await expect(run(AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
  },
);

test('a failed run leaves an older output unchanged', async () => {
  const out = work.path('kept.csv');
  writeFileSync(out, 'kept');
  await expect(
    runTrainingSet({ ...job, sources: {}, spine: csv('spine.csv', SPINE), out }),
  ).rejects.toMatchObject({
    code: 'MR_DATASET_FAILED',
  });
  expect(readFileSync(out, 'utf8')).toBe('kept');
});

test('a batch file has every entity’s values in their types', async () => {
  const out = work.path('batch.parquet');
  const type = (base: 'string' | 'long' | 'boolean', array = false) =>
    ({ base, array, nullable: true }) as const;
  const features = [
    { name: 'n', type: type('long') },
    { name: 'tags', type: type('string', true) },
    { name: 'ok', type: type('boolean') },
  ];
  const columns = (from: number, rows: number) => {
    const ns = Array.from({ length: rows }, (_, i) => from + i);
    return [
      ns.map((n) => `s${n}`),
      Float64Array.from(ns, (n) => (n === 1 ? Number.NaN : n)),
      ns.map(() => ['a']),
      ns.map((n) => n % 2 === 0),
    ];
  };
  const chunks = [
    { rows: 4000, columns: columns(0, 4000) },
    { rows: 1000, columns: columns(4000, 1000) },
  ];
  const keys = [{ name: 'shop', type: type('string') }];
  expect(await writeBatch({ out, keys, features, at: T0 }, chunks)).toBe(5000);
  const written = await work.query(
    `SELECT * REPLACE (epoch_ms(event_timestamp)::DOUBLE AS event_timestamp) FROM '${out}'`,
  );
  expect(written.length).toBe(5000);
  expect(written.slice(0, 2)).toEqual([
    ['s0', T0, '0', ['a'], true],
    ['s1', T0, null, ['a'], false],
  ]);
});
