/** The rows of a write to a rollup's table, as relations of DuckDB. */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { PeriodRows } from '#domain/ports/rollup-tables.ts';
import { keyColumn } from '#domain/rollups/rollup-columns.ts';
import { PERIOD_MS, type RollupName } from '#domain/rollups/rollup-name.ts';
import { identifier } from '#domain/sql/duckdb/names.ts';
import { columnName, parquetRows } from '#domain/sql/duckdb/parquet-files.ts';
import { readParquet, sqlType } from '#infra/shared/iceberg/parquet-scan.ts';
import { type IcebergField, typeName } from '#infra/shared/iceberg/schema.ts';

const FRESH = 'fresh';

const instant = (ms: number): string => `make_timestamptz(${BigInt(ms) * 1000n}::BIGINT)`;

/** The new rows with the table's columns, as a table of the connection. @returns its name */
export const loadRows = async (
  connection: DuckDBConnection,
  { version, every }: RollupName,
  { keys, features, file, generation, writtenAt }: PeriodRows,
  fields: readonly IcebergField[],
): Promise<string> => {
  const end = columnName(keys.length);
  const values: Readonly<Record<string, string>> = {
    ...Object.fromEntries(keys.map(({ name }, i) => [keyColumn(name), columnName(i)])),
    ...Object.fromEntries(
      features.map(({ name }, i) => [name, columnName(keys.length + 1 + i)] as const),
    ),
    period_start: `make_timestamptz(epoch_us(${end}) - ${BigInt(PERIOD_MS[every]) * 1000n})`,
    period_end: end,
    version: `${version}`,
    generation: `${generation}`,
    written_at: instant(writtenAt),
  };
  const columns = fields.map((field) => {
    const type = sqlType(typeName(field));
    return `CAST(${values[field.name] ?? 'NULL'} AS ${type}) AS ${identifier(field.name)}`;
  });
  const from = parquetRows(file, keys.length + 1 + features.length);
  await connection.run(`CREATE TEMP TABLE ${FRESH} AS SELECT ${columns.join(', ')} FROM ${from}`);
  return FRESH;
};

/** The rows of periods of which the table has none. */
export const rowsOfPeriods = (
  periods: readonly { readonly from: number; readonly to: number }[],
): string => {
  const within = periods.map(
    ({ from, to }) => `period_start >= ${instant(from)} AND period_end <= ${instant(to)}`,
  );
  return `(SELECT * FROM ${FRESH} WHERE ${within.map((one) => `(${one})`).join(' OR ') || 'false'})`;
};

/**
 * The rows of files that have some of the periods, with the new ones. A row whose values are the
 * same as before stays as it is; any other one of the periods is marked as replaced.
 */
export const withReplaced = (
  paths: readonly string[],
  fields: readonly IcebergField[],
  { keys, features, periods, writtenAt }: PeriodRows,
): { readonly all: string; readonly added: string } => {
  const columns = fields.map(({ name }) => identifier(name));
  const same = [...keys.map(({ name }) => keyColumn(name)), 'period_end'].map(
    (name) => `o.${identifier(name)} = n.${identifier(name)}`,
  );
  const equal = features.map(
    ({ name }) => `o.${identifier(name)} IS NOT DISTINCT FROM n.${identifier(name)}`,
  );
  const matches = [...same, ...equal].join(' AND ');
  const old = readParquet(paths, fields);
  const current = `(SELECT * FROM ${old} WHERE replaced_at IS NULL)`;
  const { from, to } = periods;
  const written = `period_start >= ${instant(from)} AND period_end <= ${instant(to)}`;
  const replaced = `CASE WHEN replaced_at IS NULL AND ${written} AND NOT EXISTS (SELECT 1 FROM ${FRESH} n WHERE ${matches}) THEN ${instant(writtenAt)} ELSE replaced_at END AS replaced_at`;
  const marked = columns.map((name) =>
    name === identifier('replaced_at') ? replaced : `o.${name}`,
  );
  const added = `SELECT ${columns.join(', ')} FROM ${FRESH} n WHERE NOT EXISTS (SELECT 1 FROM ${current} o WHERE ${matches})`;
  return {
    all: `(SELECT ${marked.join(', ')} FROM ${old} o UNION ALL ${added})`,
    added: `(${added})`,
  };
};
