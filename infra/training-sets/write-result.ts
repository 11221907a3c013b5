/** Writes a training set: the columns of its spine, then its results. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { columnName } from '#domain/sql/duckdb/parquet-files.ts';
import { statusAt } from '#domain/training-sets/statuses.ts';
import { sqlType } from '#infra/shared/iceberg/parquet-scan.ts';
import { icebergType } from './duckdb-types.ts';
import { outputFormat, type WriteOptions, writeRows } from './output-file.ts';
import { countMarked, markColumn } from './periods.ts';
import { createTable } from './result-table.ts';
import type { WrittenColumn } from './results.ts';
import { SPINE_TABLE, type Spine, type TypedValues } from './spine.ts';

const RESULT_TABLE = 'result';

export interface ResultOptions extends WriteOptions {
  readonly resultsOnly?: boolean;
  /** by row: 1 where it is written; absent: all are */
  readonly marks?: Float64Array | undefined;
}

const fill = async (
  connection: DuckDBConnection,
  columns: readonly Omit<WrittenColumn, 'name'>[],
  rows: number,
): Promise<void> => {
  const filler = await createTable(
    connection,
    RESULT_TABLE,
    columns.map(({ type }) => type),
  );
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < columns.length; c++) {
      const column = (columns[c] as (typeof columns)[number]).values;
      if (column instanceof Float64Array) filler.setNumber(c, column[row] as number);
      else if (column instanceof Uint8Array) filler.set(c, statusAt(column, row));
      else filler.set(c, column[row] ?? null);
    }
    filler.next();
  }
  filler.close();
};

export const writeResult = async (
  connection: DuckDBConnection,
  out: string,
  results: readonly WrittenColumn[],
  spine: Spine,
  { temporary, signal, resultsOnly = false, overwrite, inspect, marks }: ResultOptions,
): Promise<void> => {
  const kept = resultsOnly ? [] : spine.kept;
  const typed = outputFormat(out) === 'parquet' ? kept.filter((column) => column.typed) : [];
  const stored = [
    ...results,
    ...typed.map(({ typed }) => typed as TypedValues),
    ...(marks === undefined ? [] : [markColumn(marks)]),
  ];
  await fill(connection, stored, spine.rows);
  signal?.throwIfAborted();
  const result = (at: number) => ({
    sql: `r.${columnName(at)}`,
    type: sqlType(icebergType((stored[at] as (typeof stored)[number]).type)),
  });
  const output = {
    from: `${SPINE_TABLE} s POSITIONAL JOIN ${RESULT_TABLE} r${
      marks === undefined ? '' : ` WHERE r.${columnName(stored.length - 1)} = 1`
    }`,
    columns: [
      ...kept.map((column) => {
        const at = typed.indexOf(column);
        return at < 0 ? column : { name: column.name, ...result(results.length + at) };
      }),
      ...results.map(({ name }, i) => ({ name, ...result(i) })),
    ],
    lines: spine.lines === null ? null : { ...spine.lines, sql: `s.${columnName(0)}` },
    rows: marks === undefined ? spine.rows : countMarked(marks),
  };
  await writeRows(connection, output, out, { temporary, signal, overwrite, inspect });
};
