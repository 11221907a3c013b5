/**
 * Statistics of a training set's columns. Of a column that may hold entity keys or other data of
 * the user there are counts only, and the mean where it is a number that is no key: no value of a
 * row can be read from them.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { ColumnRecord } from '#domain/datasets/manifest.ts';
import { columnKind } from '#domain/sql/duckdb/column-kind.ts';
import type { OutputColumn, OutputRows } from './output-file.ts';

export interface ShownColumns {
  readonly keys: ReadonlySet<string>;
  /** columns whose least and greatest values are shown */
  readonly ranged: ReadonlySet<string>;
}

const NUMBERS = new Set(['whole', 'decimal', 'real', 'boolean']);
const TIMES = new Set(['time', 'date']);

const numberOf = (value: unknown): number | null =>
  value === null || value === undefined ? null : Number(value);
const textOf = (value: unknown): string | null =>
  value === null || value === undefined ? null : String(value);

const statisticsOf = async (
  connection: DuckDBConnection,
  from: string,
  { name, sql, type }: OutputColumn,
  { keys, ranged }: ShownColumns,
): Promise<ColumnRecord> => {
  const query = async (...values: readonly string[]): Promise<readonly unknown[]> =>
    (
      await connection.runAndReadAll(`SELECT ${values.join(', ')} FROM ${from}`)
    ).getRows()[0] as readonly unknown[];
  const [nulls, distinct] = await query(
    `(count(*) - count(${sql}))::DOUBLE`,
    `approx_count_distinct(${sql})::DOUBLE`,
  );
  const counts = { name, type, nulls: Number(nulls), distinct: Number(distinct) };
  const kind = columnKind(type);
  if (keys.has(name)) return counts;
  if (TIMES.has(kind) && ranged.has(name)) {
    const text = (of: string): string =>
      kind === 'date'
        ? `CAST(${of}(${sql}) AS VARCHAR)`
        : `strftime(timezone('UTC', CAST(${of}(${sql}) AS TIMESTAMPTZ)), '%Y-%m-%dT%H:%M:%S.%gZ')`;
    const [min, max] = await query(text('min'), text('max'));
    return { ...counts, min: textOf(min), max: textOf(max) };
  }
  if (!NUMBERS.has(kind)) return counts;
  const number = `CAST(${sql} AS DOUBLE)`;
  const finite = `CASE WHEN isfinite(${number}) THEN ${number} END`;
  // Of numbers near the largest double, DuckDB refuses the variance.
  const [mean, stddev] = await query(`avg(${finite})`, `stddev_samp(${finite})`).catch(() => []);
  const moments = { mean: numberOf(mean), stddev: numberOf(stddev) };
  if (!ranged.has(name) || kind === 'boolean') return { ...counts, ...moments };
  const [min, max] = await query(`min(${finite})`, `max(${finite})`);
  return { ...counts, ...moments, min: numberOf(min), max: numberOf(max) };
};

export const columnStatistics = async (
  connection: DuckDBConnection,
  { from, columns }: Pick<OutputRows, 'from' | 'columns'>,
  shown: ShownColumns,
): Promise<readonly ColumnRecord[]> => {
  const found: ColumnRecord[] = [];
  for (const column of columns) found.push(await statisticsOf(connection, from, column, shown));
  return found;
};
