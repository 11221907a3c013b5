/**
 * Compares the rows of two outputs. DuckDB joins them and spills what does not fit, so the memory
 * that it takes does not depend on their size:
 *
 *     first   c0, c1, …, row_no              second  c0, c1, …, row_no
 *        └──▶ k0, …, time, nth                  └──▶ k0, …, time, nth
 *                        └──── full join ────┘
 *     changes  row of the first, row of the second (null: it has none), nth, d0, d1, …
 *
 * `changes` has a row for each that differs, and `d` whether a column does. The examples are read
 * from the two tables by their row numbers.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { ColumnChanges, RowDiff, RowPlace } from '#domain/datasets/row-diff.ts';
import { isDistinct } from '#domain/sql/duckdb/distinct.ts';
import { columnName } from '#domain/sql/duckdb/parquet-files.ts';
import { jsonOf } from '#domain/sql-results/text.ts';
import { TIME_COLUMN } from '#domain/training-sets/spine-of-values.ts';
import { type DiffSide, diffSide, ROW_NUMBER } from './diff-side.ts';
import { readColumn, sqlValue } from './sql-columns.ts';

export interface DiffOptions {
  /** columns by which a row is found again, beside its time */
  readonly keys: readonly string[];
  /** of each kind of difference, at most */
  readonly examples: number;
  readonly signal?: AbortSignal;
}

interface CommonColumn {
  readonly name: string;
  readonly first: number;
  readonly second: number;
}

type Side = 'first' | 'second';

const typeOf = ({ types }: DiffSide, column: number): string => types[column] as string;
const indexOf = ({ names }: DiffSide, name: string): number => names.indexOf(name);

/** Keys of other types are compared as texts. */
const keyOf = (side: DiffSide, other: DiffSide, name: string): string => {
  const sql = columnName(indexOf(side, name));
  return typeOf(side, indexOf(side, name)) === typeOf(other, indexOf(other, name))
    ? sql
    : `CAST(${sql} AS VARCHAR)`;
};

const numbered = (side: DiffSide, other: DiffSide, keys: readonly string[]): string => {
  const parts = [...keys.map((name) => keyOf(side, other, name)), side.time.sql];
  const named = parts.map((sql, i) => `${sql} AS k${i}`).join(', ');
  const by = parts.map((_, i) => `k${i}`).join(', ');
  return `(SELECT *, row_number() OVER (PARTITION BY ${by} ORDER BY ${ROW_NUMBER}) AS nth FROM (SELECT *, ${named} FROM ${side.from}))`;
};

const IN_BOTH = 'a IS NOT NULL AND b IS NOT NULL';

const findChanges = async (
  connection: DuckDBConnection,
  [first, second]: readonly [DiffSide, DiffSide],
  keys: readonly string[],
  columns: readonly CommonColumn[],
): Promise<void> => {
  const same = [...keys, TIME_COLUMN].map((_, i) => `a.k${i} IS NOT DISTINCT FROM b.k${i}`);
  const differs = columns.map(
    (one, i) =>
      `${isDistinct(
        { sql: `a.${columnName(one.first)}`, type: typeOf(first, one.first) },
        { sql: `b.${columnName(one.second)}`, type: typeOf(second, one.second) },
      )} AS d${i}`,
  );
  const any = ['a IS NULL', 'b IS NULL', ...columns.map((_, i) => `d${i}`)].join(' OR ');
  await connection.run(
    `CREATE TABLE changes AS SELECT * FROM (
       SELECT ${[`a.${ROW_NUMBER} AS a`, `b.${ROW_NUMBER} AS b`, 'coalesce(a.nth, b.nth) AS nth', ...differs].join(', ')}
       FROM ${numbered(first, second, keys)} a FULL JOIN ${numbered(second, first, keys)} b
       ON ${[...same, 'a.nth = b.nth'].join(' AND ')}
     ) WHERE ${any}`,
  );
};

export const diffRows = async (
  connection: DuckDBConnection,
  files: readonly [string, string],
  { keys, examples, signal }: DiffOptions,
): Promise<RowDiff> => {
  await connection.run('SET preserve_insertion_order = true');
  const first = await diffSide(connection, 'first_file', files[0]);
  signal?.throwIfAborted();
  const sides = { first, second: await diffSide(connection, 'second_file', files[1]) };
  const rowsOf = async (sql: string) => {
    signal?.throwIfAborted();
    return (await connection.runAndReadAll(sql)).getRows();
  };
  const numbers = async (sql: string): Promise<readonly number[]> =>
    ((await rowsOf(sql))[0] ?? []).map((value) => Number(value ?? 0));

  const matched = new Set([...keys, TIME_COLUMN]);
  const columns = sides.first.names.flatMap((name, first): CommonColumn[] => {
    const second = indexOf(sides.second, name);
    return matched.has(name) || second < 0 ? [] : [{ name, first, second }];
  });
  signal?.throwIfAborted();
  await findChanges(connection, [sides.first, sides.second], keys, columns);

  const [total = 0] = await numbers(`SELECT count(*)::DOUBLE FROM ${sides.first.from}`);
  const [other = 0] = await numbers(`SELECT count(*)::DOUBLE FROM ${sides.second.from}`);
  const count = (where: string): string => `(count(*) FILTER (WHERE ${where}))::DOUBLE`;
  const [changed = 0, onlyFirst = 0, onlySecond = 0, ...byColumn] = await numbers(
    `SELECT ${[count(IN_BOTH), count('b IS NULL'), count('a IS NULL'), ...columns.map((_, i) => count(`${IN_BOTH} AND d${i}`))].join(', ')} FROM changes`,
  );

  /** Values of columns of a side, of the rows that the first examples have. */
  const valuesOf = async (
    side: Side,
    names: readonly string[],
    where: string,
  ): Promise<readonly (readonly unknown[])[]> => {
    const of = side === 'first' ? 'a' : 'b';
    const { from, types, names: all } = sides[side];
    const read = names.map((name) => {
      const at = all.indexOf(name);
      return readColumn(`s.${columnName(at)}`, types[at] as string);
    });
    const found = await rowsOf(
      `SELECT ${['c.nth::DOUBLE', ...read.map(({ sql }) => sql)].join(', ')}
       FROM (SELECT a, b, nth FROM changes WHERE ${where} ORDER BY coalesce(a, b) LIMIT ${examples}) c
       JOIN ${from} s ON s.${ROW_NUMBER} = c.${of} ORDER BY coalesce(c.a, c.b)`,
    );
    return found.map(([nth, ...values]) => [
      nth,
      ...read.map(({ type }, i) => jsonOf(type, sqlValue(type, values[i]))),
    ]);
  };
  const placeOf = ([nth, time, ...key]: readonly unknown[]): RowPlace => ({
    key: Object.fromEntries(keys.map((name, i) => [name, key[i]])),
    time,
    nth: nth as number,
  });
  const place = [TIME_COLUMN, ...keys];
  const placesOf = async (side: Side, where: string): Promise<readonly RowPlace[]> =>
    (await valuesOf(side, place, where)).map(placeOf);

  const changesOf = async (
    { name, first, second }: CommonColumn,
    i: number,
  ): Promise<readonly ColumnChanges[]> => {
    const types = { first: typeOf(sides.first, first), second: typeOf(sides.second, second) };
    const isSame = types.first === types.second;
    const n = byColumn[i] as number;
    if (n === 0 && isSame) return [];
    const where = `${IN_BOTH} AND d${i}`;
    const before = await valuesOf('first', [...place, name], where);
    const after = await valuesOf('second', [name], where);
    return [
      {
        column: name,
        changed: n,
        ...(isSame ? {} : { types }),
        examples: before.map((row, at) => ({
          ...placeOf(row),
          first: row.at(-1),
          second: after[at]?.at(-1),
        })),
      },
    ];
  };
  const found: ColumnChanges[] = [];
  for (const [i, column] of columns.entries()) found.push(...(await changesOf(column, i)));

  return {
    keys,
    rows: { first: total, second: other },
    same: total - onlyFirst - changed,
    changed,
    onlyFirst,
    onlySecond,
    columns: found,
    columnsOfOne: {
      first: sides.first.names.filter((name) => indexOf(sides.second, name) < 0),
      second: sides.second.names.filter((name) => indexOf(sides.first, name) < 0),
    },
    rowsOfOne: {
      first: await placesOf('first', 'b IS NULL'),
      second: await placesOf('second', 'a IS NULL'),
    },
  };
};
