/**
 * The tables through which a join on Flink gets its rows and gives its results: of Iceberg, in a
 * directory of the warehouse for each join, which is deleted afterwards.
 */
import type { Directory } from '#domain/ports/file-io.ts';
import { type JoinTask, resultColumns } from '#domain/ports/join-engine.ts';
import { parquetByName } from '#domain/sql/duckdb/parquet-files.ts';
import type { JoinOutput } from '#domain/training-sets/join-plan.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { tableToMake } from '#infra/shared/iceberg/ensure-table.ts';
import { tableReader } from '#infra/shared/iceberg/pinned-table.ts';
import type { WantedColumn } from '#infra/shared/iceberg/schema.ts';
import { commitTable, tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import { makeTableOfRows } from '#infra/shared/iceberg/table-of-rows.ts';
import { JOIN_DATABASE, ONE_DAY } from './sql/join.ts';

const DAY: WantedColumn = { name: ONE_DAY, type: 'date', required: true };

const column = (name: string, type: string, required = false): WantedColumn => ({
  name,
  type,
  required,
});

const ROWS: readonly WantedColumn[] = [
  column('row_no', 'long', true),
  column('ms', 'long', true),
  column('key', 'string', true),
  DAY,
];

const OUTPUT_TYPE: Readonly<Record<JoinOutput, string>> = {
  number: 'double',
  text: 'string',
  numbers: 'list<double>',
  texts: 'list<string>',
};

const joinedColumns = (task: JoinTask): readonly WantedColumn[] => {
  const { outputs } = task.plan;
  const types = [
    'long',
    ...outputs.map((output) => OUTPUT_TYPE[output]),
    ...outputs.map(() => 'int'),
  ];
  return [...resultColumns(task).map((name, i) => column(name, types[i] as string, i === 0)), DAY];
};

const placeOf = (root: Directory, name: string): Directory =>
  tableDirectory(root, `${JOIN_DATABASE}.${name}`);

/** @param spill a path on the local disk */
export const makeRowsTable = async (
  root: Directory,
  name: string,
  { file, spill, now }: { readonly file: string; readonly spill: string; readonly now: number },
): Promise<void> => {
  const duckDb = await openDuckDb({ spillDirectory: spill });
  const connection = await duckDb.connect();
  try {
    const relation = `(SELECT *, DATE '1970-01-01' AS ${ONE_DAY} FROM ${parquetByName([file])})`;
    const table = placeOf(root, name);
    const wanted = { table, name, columns: ROWS, partitionBy: ONE_DAY, relation, now };
    await makeTableOfRows(connection, wanted);
  } finally {
    connection.closeSync();
    duckDb.close();
  }
};

export const makeJoinedTable = async (
  root: Directory,
  name: string,
  task: JoinTask,
  now: number,
): Promise<void> => {
  const table = placeOf(root, name);
  const wanted = { table, name, columns: joinedColumns(task), partitionBy: ONE_DAY, now };
  await commitTable(table, null, tableToMake(wanted));
};

/** Paths of the files that the table has. */
export const joinedFiles = async (root: Directory, name: string): Promise<readonly string[]> => {
  const pinned = await tableReader(placeOf(root, name)).pin();
  const files = pinned?.files.map(({ uri }) => uri) ?? [];
  return root.files.engine.readable(files);
};
