/**
 * Rollups by Flink from the durable tier's tiles: each row is the platform's own answer at the end
 * of the period, and a second rollup replaces it.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RollupResult } from '#domain/api/datasets.ts';
import {
  approxCountDistinct,
  approxPercentile,
  approxTopK,
  avg,
  col,
  count,
  countDistinct,
  entity,
  featureView,
  first,
  firstK,
  histogram,
  last,
  lastK,
  max,
  min,
  source,
  stddev,
  sum,
  topK,
  variance,
} from '#domain/definitions/index.ts';
import { rollupTopic } from '#domain/rollups/rollup-name.ts';
import { literal } from '#domain/sql/duckdb/names.ts';
import { floatDigits } from '#domain/values/float-digits.ts';
import type { Row, Value } from '#domain/values/value.ts';
import { pathOf } from '#infra/files/file-uri.ts';
import { type DuckDb, openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { tableReader } from '#infra/shared/iceberg/pinned-table.ts';
import { tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import { sameValue } from '#tests/oracle/same.ts';
import { answerOf } from '#tests/sql-engines/support/shop.ts';
import {
  caller,
  type StackPlatform,
  stackPlatform,
  uniqueName,
  until,
} from '#tests/stack/support/platform.ts';
import { icebergTables } from '#tests/stack/support/warehouse.ts';
import { plain } from '#tests/support/platform.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const shop = entity({ name: uniqueName('shop'), keys: { city: 'string', number: 'long' } });
const sales = source({
  name: uniqueName('sales'),
  fields: {
    at: 'timestamp',
    city: 'string',
    number: 'long',
    amount: 'double?',
    pieces: 'long',
    weight: 'float',
    day: 'date',
    item: 'string',
    paid: 'boolean',
    tags: 'array<string>',
  },
  eventTime: 'at',
  partitions: 2,
});
const day = { window: '1d' } as const;
const week = { window: '7d' } as const;
const features = {
  sold: count(day),
  paid: count({ ...week, where: col('paid') }),
  amount: sum(col('amount'), { window: '1h' }),
  amount_7d: sum(col('amount'), week),
  pieces: sum(col('pieces'), day),
  mean: avg(col('amount'), { ...week, where: col('paid') }),
  least: min(col('amount'), day),
  most: max(col('pieces'), { window: '3h' }),
  heaviest: max(col('weight'), day),
  latest_at: max(col('at'), week),
  first_day: min(col('day'), week),
  least_item: min(col('item'), day),
  most_item: max(col('item'), day),
  spread: stddev(col('amount'), week),
  spread_squared: variance(col('amount'), day),
  first_item: first(col('item'), day),
  last_item: last(col('item'), week),
  last_tags: last(col('tags'), day),
  last_paid: last(col('paid'), day),
  first_items: firstK(col('item'), 3, day),
  last_pieces: lastK(col('pieces'), 2, week),
  items: countDistinct(col('item'), week),
  few_items: countDistinct(col('item'), { ...week, limit: 4 }),
  top_items: topK(col('item'), 3, day),
  top_pieces: topK(col('pieces'), 2, week),
  about_items: approxCountDistinct(col('item'), week),
  about_pieces: approxCountDistinct(col('pieces'), { ...day, precision: 5 }),
  amount_p90: approxPercentile(col('amount'), 0.9, week),
  often_items: approxTopK(col('item'), 3, day),
  often_pieces: approxTopK(col('pieces'), 2, week),
  amounts: histogram(col('amount'), [0, 10.5, 50], day),
};
const view = featureView({ name: uniqueName('shop_sales'), entity: shop, source: sales, features });
const awkward = featureView({
  name: uniqueName('awkward'),
  entity: shop,
  source: sales,
  features: {
    ever: count({}),
    coarse: count({ window: '28d', hop: '7d' }),
    fine: count({ window: '1d' }),
    days: count({ window: '28d', hop: '1d' }),
  },
});
const fleeting = featureView({
  name: uniqueName('fleeting'),
  entity: shop,
  source: sales,
  ttl: '2d',
  features: { sold_7d: count(week) },
});
const names = Object.keys(features);

const entities = [
  { city: 'Zürich', number: 1 },
  { city: 'Bern', number: 1 },
  { city: 'Bern', number: -2 },
];
const edge = { city: 'Edge', number: 7 };
const today = Math.floor(Date.now() / DAY) * DAY;
const start = today - 12 * DAY;

let stack: StackPlatform;
let duckDb: DuckDb;

/** A small random generator, so that a failure can be repeated. */
let state = 20_261_123;
const random = (): number => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 4_294_967_296;
};

const sale = (at: number, one: (typeof entities)[number]): Row => {
  const pick = Math.floor(random() * 7);
  return {
    at,
    ...one,
    amount: random() < 0.2 ? null : Math.round(random() * 8000 - 500) / 100,
    pieces: pick,
    weight: Math.fround(random() * 10),
    day: Math.floor(at / DAY) - pick,
    item: ['apple', 'Birne', 'é', '\u{1f34f}', '\uffee', 'fig', ''][pick] as string,
    paid: random() < 0.5,
    tags: ['a', 'b', 'c'].slice(0, pick % 4),
  };
};

/**
 * Never at a period's very end: there, the platform's answer includes events of the next period.
 */
const someTime = (): number =>
  start + Math.floor(random() * 10 * 24) * HOUR + 1 + Math.floor(random() * (HOUR - 1));

const publish = async (events: readonly Row[]): Promise<void> => {
  const result = await stack.platform.publishing.publish({ source: sales.name, events }, caller);
  expect(result).toMatchObject({ accepted: events.length, rejected: [] });
};

interface RolledUpRow {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly values: Readonly<Record<string, Value>>;
}

const keyOf = ({ city, number }: { readonly city: Value; readonly number: Value }): string =>
  `${city}/${number}`;

const rowsOf = async (name: string, every: 'day' | 'hour'): Promise<readonly RolledUpRow[]> => {
  const table = await tableReader(
    tableDirectory(icebergTables(), rollupTopic({ view: name, version: 1, every })),
  ).pin();
  const files = (table?.files ?? []).map(({ uri }) => literal(pathOf(uri))).join(', ');
  const connection = await duckDb.connect();
  try {
    const result = await connection.runAndReadAll(
      `SELECT to_json(t) AS row, epoch_ms(period_start) AS s, epoch_ms(period_end) AS e FROM read_parquet([${files}], union_by_name = true) AS t`,
    );
    return result.getRows().map(([json, from, to]) => {
      const values = JSON.parse(String(json)) as Row;
      return {
        key: keyOf({ city: values.key_city as Value, number: values.key_number as Value }),
        start: Number(from),
        end: Number(to),
        values,
      };
    });
  } finally {
    connection.closeSync();
  }
};

/** A value of the table in the platform's form. */
const asRead = (name: string, value: Value | undefined): Value => {
  if (value === null || value === undefined) return null;
  if (name === 'latest_at')
    return Date.parse(`${String(value).replace(' ', 'T').replace(/\+00$/, '')}Z`);
  if (name === 'first_day') return Date.parse(`${value}T00:00:00Z`) / DAY;
  // An answer shows a float with its own digits; the table has the number.
  return name === 'heaviest' ? floatDigits(value as number) : value;
};

/**
 * Compares every entity at every period's end with the platform's answer there. @returns the number
 * of rows
 */
const expectAsRead = async (
  rows: readonly RolledUpRow[],
  ends: readonly number[],
): Promise<number> => {
  const byPlace = new Map(rows.map((row) => [`${row.key}@${row.end}`, row]));
  expect(byPlace.size).toBe(rows.length);
  let seen = 0;
  for (const at of ends) {
    const answer = await stack.platform.serving.read({
      features: names.map((name) => `${view.name}:${name}`),
      entities,
      at,
    });
    entities.forEach((one, i) => {
      const row = byPlace.get(`${keyOf(one)}@${at}`);
      if (row !== undefined) seen++;
      names.forEach((name, f) => {
        const wanted = answer.values[i]?.[f] ?? null;
        const { aggregation } = features[name as keyof typeof features];
        const got =
          row === undefined
            ? aggregation.startsWith('count')
              ? 0
              : null
            : asRead(name, row.values[name]);
        const isLong = name === 'pieces';
        expect(
          sameValue(aggregation, isLong, got, wanted, 100),
          `${name} of ${keyOf(one)} at ${new Date(at).toISOString()}: ${JSON.stringify(got)}, read ${JSON.stringify(wanted)}`,
        ).toBe(true);
      });
    });
  }
  return seen;
};

const rollup = (request: {
  readonly every: 'day' | 'hour';
  readonly from: number;
  readonly to: number;
}): Promise<RollupResult> =>
  stack.platform.datasets.rollup({ view: view.name, ...request }, caller);

const daysFrom = (from: number, to: number, step: number): number[] =>
  Array.from({ length: (to - from) / step }, (_, i) => from + (i + 1) * step);

beforeAll(async () => {
  duckDb = await openDuckDb({});
  stack = await stackPlatform();
  await stack.platform.registry.apply(plain(shop, sales, view, awkward, fleeting), {}, caller);
  await publish(
    Array.from({ length: 900 }, (_, i) =>
      sale(someTime(), entities[i % 3] as (typeof entities)[number]),
    ),
  );
  await publish([
    sale(start + 2 * DAY - 1, edge),
    sale(start + 2 * DAY, edge),
    sale(start + 2 * DAY, edge),
  ]);
  await until('the view is live', async () => {
    const { views } = await stack.platform.operations.status();
    const mine = [view, awkward, fleeting].map(({ name }) => name);
    return views
      .filter(({ view: name }) => mine.includes(name))
      .every((one) => one.state === 'live');
  });
});

afterAll(async () => {
  duckDb?.close();
  await stack?.dispose();
});

test('there is a row for each entity and day, with the platform’s answer at the end of the day', async () => {
  const result = await rollup({ every: 'day', from: start, to: today });
  expect(result).toMatchObject({
    from: start,
    to: today,
    features: names,
    table: `iceberg.rollup.${view.name}_v1_day`,
    generation: 1,
  });
  const rows = await rowsOf(view.name, 'day');
  expect(rows.length).toBe(result.rows);
  const seen = await expectAsRead(rows, daysFrom(start, today, DAY));
  // Events of ten days and windows of seven: the last days have rows without events of their own.
  expect(seen).toBeGreaterThanOrEqual(33);
  expect(rows.filter(({ key }) => key !== keyOf(edge)).length).toBe(seen);
  for (const { start: from, end } of rows) expect(end - from).toBe(DAY);
});

test('an event at the very millisecond of a period’s end belongs to the next period', async () => {
  const rows = (await rowsOf(view.name, 'day')).filter(({ key }) => key === keyOf(edge));
  const sold = (at: number): Value | undefined => rows.find(({ end }) => end === at)?.values.sold;
  expect(sold(start + 2 * DAY)).toBe(1);
  expect(sold(start + 3 * DAY)).toBe(2);
  expect(sold(start + DAY)).toBeUndefined();
});

test('a second rollup replaces days, repeats no row, and includes what came late', async () => {
  const before = await rowsOf(view.name, 'day');
  const late = sale(start + 3 * DAY + 5 * HOUR + 17, entities[0] as (typeof entities)[number]);
  await publish([late]);
  await rollup({ every: 'day', from: start + 3 * DAY, to: start + 5 * DAY });
  const after = await rowsOf(view.name, 'day');
  expect(after.length).toBe(before.length);
  const sold = (rows: readonly RolledUpRow[], at: number): number =>
    Number(
      rows.find(
        ({ key, end }) => key === keyOf(entities[0] as (typeof entities)[number]) && end === at,
      )?.values.sold,
    );
  expect(sold(after, start + 4 * DAY)).toBe(sold(before, start + 4 * DAY) + 1);
  await expectAsRead(
    after.filter(({ end }) => end > start + 3 * DAY && end <= start + 5 * DAY),
    daysFrom(start + 3 * DAY, start + 5 * DAY, DAY),
  );
  // Outside of what was written, nothing changed.
  const rest = (rows: readonly RolledUpRow[]): readonly string[] =>
    rows
      .filter(({ end }) => end <= start + 3 * DAY || end > start + 5 * DAY)
      .map((row) => JSON.stringify(row))
      .sort();
  expect(rest(after)).toEqual(rest(before));
});

test('rollups by the hour are made in whole days', async () => {
  const result = await rollup({
    every: 'hour',
    from: start + 4 * DAY + 3 * HOUR,
    to: start + 4 * DAY + 5 * HOUR,
  });
  expect(result).toMatchObject({ from: start + 4 * DAY, to: start + 5 * DAY });
  const rows = await rowsOf(view.name, 'hour');
  expect(rows.length).toBe(result.rows);
  expect(await expectAsRead(rows, daysFrom(result.from, result.to, HOUR))).toBeGreaterThan(60);
});

test('features that tiles cannot answer are refused by name, and the others are made', async () => {
  const asked = { view: awkward.name, every: 'day', from: start, to: today } as const;
  await expect(stack.platform.datasets.rollup(asked, caller)).rejects.toMatchObject({
    code: 'MR_REFUSED',
    message: expect.stringMatching(
      /"ever" covers all time.*"coarse" has tiles of 7d.*--features fine days/s,
    ),
  });
  await expect(
    stack.platform.datasets.rollup({ ...asked, every: 'hour', features: ['days'] }, caller),
  ).rejects.toMatchObject({
    message: expect.stringContaining('which do not end with the hour'),
  });
  expect(
    (await stack.platform.datasets.rollup({ ...asked, features: ['fine'] }, caller)).features,
  ).toEqual(['fine']);
  // A new feature becomes a column.
  expect(
    (await stack.platform.datasets.rollup({ ...asked, features: ['fine', 'days'] }, caller))
      .features,
  ).toEqual(['fine', 'days']);
  const rows = await rowsOf(awkward.name, 'day');
  expect(Math.max(...rows.map(({ values }) => Number(values.days)))).toBeGreaterThan(250);
  const lastSale = start + 10 * DAY;
  expect(rows.some(({ end }) => end > lastSale)).toBe(true);
  // Days that have no rows any more are emptied too.
  await stack.platform.datasets.rollup({ ...asked, features: ['fine'] }, caller);
  const fewer = await rowsOf(awkward.name, 'day');
  expect(fewer.filter(({ end }) => end > lastSale)).toEqual([]);
  expect(fewer.filter(({ values }) => values.days !== null)).toEqual([]);
  expect(fewer.length).toBeGreaterThan(20);
  await expect(rollup({ every: 'day', from: today, to: today + DAY })).rejects.toMatchObject({
    code: 'MR_PARAMETER_INVALID',
  });
});

test('past a view’s time to live an entity has no row', async () => {
  await stack.platform.datasets.rollup(
    { view: fleeting.name, every: 'day', from: start, to: today },
    caller,
  );
  const rows = await rowsOf(fleeting.name, 'day');
  const feature = `${fleeting.name}:sold_7d`;
  let expired = 0;
  for (const at of daysFrom(start, today, DAY)) {
    const { values, status } = await stack.platform.serving.read({
      features: [feature],
      entities: [edge],
      at,
    });
    const row = rows.find(({ key, end }) => key === keyOf(edge) && end === at);
    // At the end of the second day the read includes the two events of that very millisecond.
    if (at !== start + 2 * DAY && status[0]?.[0] === 'present' && values[0]?.[0] !== 0)
      expect(row?.values.sold_7d).toBe(values[0]?.[0]);
    if (status[0]?.[0] === 'expired') {
      expired++;
      expect(row).toBeUndefined();
    }
  }
  expect(expired).toBeGreaterThan(3);
  expect(
    rows
      .filter(({ key }) => key === keyOf(edge))
      .map(({ end }) => (end - start) / DAY)
      .sort(),
  ).toEqual([2, 3, 4]);
});

test('the catalog names the tables', async () => {
  const { materializations } = await stack.platform.registry.show('feature-view', view.name);
  const rollups = materializations
    ?.filter(({ job }) => job === 'rollup')
    .map(({ location, position }) => [location, position]);
  const last = new Date(today - DAY).toISOString().slice(0, 10);
  expect(rollups).toEqual([
    [`iceberg.rollup.${view.name}_v1_day`, `days up to ${last}`],
    [
      `iceberg.rollup.${view.name}_v1_hour`,
      `days up to ${new Date(start + 4 * DAY).toISOString().slice(0, 10)}`,
    ],
  ]);
});

test('Flink has the same answers to questions about the tables as DuckDB', async () => {
  for (const sql of [
    `SELECT * FROM ${view.name}_v1 ORDER BY key_city, key_number`,
    `SELECT * FROM ${view.name}_daily ORDER BY key_city, key_number, period_end`,
  ]) {
    const expected = await answerOf(stack.platform, 'duckdb', sql);
    expect(expected.rows.length).toBeGreaterThan(0);
    expect([sql, await answerOf(stack.platform, 'flink', sql)]).toEqual([sql, expected]);
  }
});
