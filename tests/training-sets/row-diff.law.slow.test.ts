/**
 * The rows of two data sets, compared with a brute force over the same rows: keys that are null or
 * repeated, rows in another order, values that are null, NaN, and whole numbers beyond 2^53.
 */
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RowDiff, RowPlace } from '#domain/datasets/row-diff.ts';
import { diffFiles } from '#infra/training-sets/diff-files.ts';
import { type Workplace, workplace } from './files.ts';

const T = Date.UTC(2026, 0, 1);
const EXAMPLES = 3;

interface DrawnRow {
  readonly shop: string | null;
  readonly shelf: bigint | null;
  readonly minute: number;
  readonly price: number | null;
  readonly total: bigint | null;
  readonly item: string | null;
  readonly tags: readonly (string | null)[] | null;
}

const BIG = 9_007_199_254_740_993n;
const drawnRow: fc.Arbitrary<DrawnRow> = fc.record({
  shop: fc.constantFrom('a', 'b', "O'Hare", '', null),
  shelf: fc.constantFrom(1n, BIG, null),
  minute: fc.integer({ min: 0, max: 2 }),
  price: fc.constantFrom(1.5, 0.1, Number.NaN, Number.POSITIVE_INFINITY, null),
  total: fc.constantFrom(BIG, BIG - 1n, -BIG, 0n, null),
  item: fc.constantFrom('tea', '', ' ', 'a,b"c\n', null),
  tags: fc.constantFrom(['x'], ['x', null], [], null),
});

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
const sqlOf = (value: unknown, type: string): string => {
  if (value === null) return `NULL::${type}`;
  if (Array.isArray(value))
    return `[${value.map((one) => sqlOf(one, 'VARCHAR')).join(', ')}]::${type}`;
  return typeof value === 'string' ? `${text(value)}::${type}` : `'${value}'::${type}`;
};
const TYPES = {
  shop: 'VARCHAR',
  shelf: 'BIGINT',
  price: 'DOUBLE',
  total: 'BIGINT',
  item: 'VARCHAR',
  tags: 'VARCHAR[]',
} as const;
const VALUES = ['price', 'total', 'item', 'tags'] as const;
const NAMES = Object.keys(TYPES) as (keyof typeof TYPES)[];

let work: Workplace;
let written = 0;
beforeAll(async () => {
  work = await workplace();
});
afterAll(() => work.close());

const timeOf = ({ minute }: DrawnRow): string => new Date(T + minute * 60_000).toISOString();

const write = async (rows: readonly DrawnRow[], without: readonly string[]): Promise<string> => {
  const names = NAMES.filter((name) => !without.includes(name));
  const select = (row: DrawnRow, i: number): string =>
    `SELECT ${i} AS i, ${[`TIMESTAMPTZ ${text(timeOf(row))} AS event_timestamp`, ...names.map((name) => `${sqlOf(row[name], TYPES[name])} AS ${name}`)].join(', ')}`;
  return work.write(
    `rows-${++written}.parquet`,
    `SELECT * EXCLUDE i FROM (${rows.map(select).join(' UNION ALL ')}) ORDER BY i`,
  );
};
const compare = (files: readonly [string, string], keys: readonly string[]): Promise<RowDiff> =>
  diffFiles({ files, keys, examples: EXAMPLES }, join(work.directory, `spill-${written}`));

/** As `/v1/sql` writes a value: what a double would change is a text. */
const json = (value: unknown): unknown => {
  if (typeof value === 'bigint')
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
};
const same = (a: unknown, b: unknown): boolean =>
  JSON.stringify([json(a)]) === JSON.stringify([json(b)]);

type Placed = readonly [place: RowPlace, row: DrawnRow];

const placed = (rows: readonly DrawnRow[]): readonly Placed[] =>
  rows.map((row, i) => {
    const key = { shop: row.shop, shelf: json(row.shelf) };
    const isSame = (other: DrawnRow): boolean =>
      other.shop === row.shop && other.shelf === row.shelf && other.minute === row.minute;
    return [{ key, time: timeOf(row), nth: rows.slice(0, i + 1).filter(isSame).length }, row];
  });

const bruteForce = (
  first: readonly DrawnRow[],
  second: readonly DrawnRow[],
  columns: readonly (typeof VALUES)[number][],
) => {
  const [before, after] = [placed(first), placed(second)];
  const of = (all: readonly Placed[], place: RowPlace): Placed | undefined =>
    all.find(([other]) => JSON.stringify(other) === JSON.stringify(place));
  const pairs = before.flatMap(([place, row]) => {
    const other = of(after, place);
    return other === undefined ? [] : [{ place, row, other: other[1] }];
  });
  const onlyFirst = before.filter(([place]) => of(after, place) === undefined);
  const onlySecond = after.filter(([place]) => of(before, place) === undefined);
  const differs = (name: (typeof VALUES)[number]) =>
    pairs.filter(({ row, other }) => !same(row[name], other[name]));
  const changed = pairs.filter(({ row, other }) =>
    columns.some((name) => !same(row[name], other[name])),
  ).length;
  return {
    rows: { first: first.length, second: second.length },
    same: pairs.length - changed,
    changed,
    onlyFirst: onlyFirst.length,
    onlySecond: onlySecond.length,
    columns: columns
      .map((name) => ({
        column: name,
        changed: differs(name).length,
        examples: differs(name)
          .slice(0, EXAMPLES)
          .map(({ place, row, other }) => ({
            ...place,
            first: json(row[name]),
            second: json(other[name]),
          })),
      }))
      .filter((one) => one.changed > 0),
    rowsOfOne: {
      first: onlyFirst.slice(0, EXAMPLES).map(([place]) => place),
      second: onlySecond.slice(0, EXAMPLES).map(([place]) => place),
    },
  };
};

/** The second data set: the first with some rows changed, left out, added and moved. */
const drawnPair = fc
  .record({
    rows: fc.array(drawnRow, { minLength: 1, maxLength: 12 }),
    others: fc.array(drawnRow, { maxLength: 3 }),
    changes: fc.array(fc.tuple(fc.nat(11), drawnRow), { maxLength: 4 }),
    keep: fc.array(fc.nat(11), { maxLength: 12 }),
    moved: fc.boolean(),
  })
  .map(({ rows, others, changes, keep, moved }) => {
    const changed = rows.map((row, i) => {
      const [, other] = changes.find(([at]) => at === i) ?? [];
      return other === undefined
        ? row
        : { ...other, shop: row.shop, shelf: row.shelf, minute: row.minute };
    });
    const kept = changed.filter((_, i) => !keep.slice(0, 2).includes(i));
    const all = [...kept, ...others];
    const second = all.length === 0 ? rows : all;
    return [rows, moved ? second.toReversed() : second] as const;
  });

test('rows that were added, removed and changed', async () => {
  await fc.assert(
    fc.asyncProperty(
      drawnPair,
      fc.subarray([...VALUES]),
      fc.subarray([...VALUES]),
      async ([first, second], without, others) => {
        const files = [await write(first, without), await write(second, others)] as const;
        const columns = VALUES.filter((name) => !without.includes(name) && !others.includes(name));
        expect(await compare(files, ['shop', 'shelf'])).toEqual({
          keys: ['shop', 'shelf'],
          ...bruteForce(first, second, columns),
          columnsOfOne: {
            first: NAMES.filter(
              (name) => !without.includes(name as never) && others.includes(name as never),
            ),
            second: NAMES.filter(
              (name) => without.includes(name as never) && !others.includes(name as never),
            ),
          },
        });
      },
    ),
    { numRuns: 40 },
  );
});

/** Values of two types, and whether they are the same value. */
const TYPED: readonly (readonly [string, string, boolean])[] = [
  ['9007199254740993::BIGINT', '9007199254740992::DOUBLE', false],
  ['9007199254740992::BIGINT', '9007199254740992::DOUBLE', true],
  ['1::INTEGER', '1::BIGINT', true],
  ['1::INTEGER', '1::UTINYINT', true],
  ['-1::INTEGER', '18446744073709551615::UBIGINT', false],
  ['1::BIGINT', '1.5::DOUBLE', false],
  ['0::BIGINT', "'-0'::DOUBLE", true],
  ['NULL::BIGINT', 'NULL::DOUBLE', true],
  ['NULL::BIGINT', "'NaN'::DOUBLE", false],
  ['0::BIGINT', 'NULL::DOUBLE', false],
  ["'NaN'::FLOAT", "'NaN'::DOUBLE", true],
  ['0.1::FLOAT', '0.1::DOUBLE', false],
  ['0.5::FLOAT', '0.5::DOUBLE', true],
  ['1.10::DECIMAL(4,2)', '1.1::DECIMAL(38,1)', true],
  ['100::DECIMAL(38,0)', '100.000::DECIMAL(38,10)', true],
  ['100::BIGINT', '100.00::DECIMAL(5,2)', true],
  ['10::BIGINT', '100::DECIMAL(5,0)', false],
  ["TIMESTAMP '2026-01-01 00:00:00'", "TIMESTAMPTZ '2026-01-01T00:00:00Z'", true],
  ["TIMESTAMP '2026-01-01 00:00:00.000001'", "TIMESTAMPTZ '2026-01-01T00:00:00Z'", false],
  ["TIMESTAMP_MS '2026-01-01 00:00:00.001'", "TIMESTAMP '2026-01-01 00:00:00.001'", true],
  ["'1'::VARCHAR", '1::BIGINT', true],
  ["'1.0'::VARCHAR", '1::BIGINT', false],
  ["''::VARCHAR", 'NULL::BIGINT', false],
  ['true', '1::INTEGER', false],
];

test.each(TYPED)('%s and %s: %s', async (a, b, isSame) => {
  const file = (sql: string) =>
    work.write(
      `typed-${++written}.parquet`,
      `SELECT 'a' AS shop, TIMESTAMPTZ '2026-01-01T00:00:00Z' AS event_timestamp, ${sql} AS value`,
    );
  const { changed, same: equal } = await compare([await file(a), await file(b)], ['shop']);
  expect([changed, equal]).toEqual(isSame ? [0, 1] : [1, 0]);
  const back = await compare([await file(b), await file(a)], ['shop']);
  expect([back.changed, back.same]).toEqual([changed, equal]);
});

test('times of one moment are the same, whatever their type and their text', async () => {
  const file = (extension: string, sql: string) =>
    work.write(
      `times-${++written}.${extension}`,
      `SELECT 'a' AS shop, ${sql} AS event_timestamp, 1 AS value`,
    );
  const parquet = await compare(
    [
      await file('parquet', "TIMESTAMP '2026-01-01 00:00:00'"),
      await file('parquet', "DATE '2026-01-01'"),
    ],
    ['shop'],
  );
  const csv = await compare(
    [await file('csv', "'2026-01-01T00:00:00Z'"), await file('csv', "'2026-01-01T01:00:00+01:00'")],
    ['shop'],
  );
  // As their cells are written, the texts differ, and the rows are the same.
  expect([parquet.same, csv.same, csv.onlyFirst]).toEqual([1, 1, 0]);
});
