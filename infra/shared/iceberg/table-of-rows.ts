/** Makes a table with the rows of a relation of DuckDB: one commit. */
import { randomUUID } from 'node:crypto';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Directory } from '#domain/ports/file-io.ts';
import { addedEntries, addSnapshot, newSnapshotId, writeManifest } from './append.ts';
import { writeDataFiles } from './data-files.ts';
import { tableToMake } from './ensure-table.ts';
import { currentSchema } from './metadata.ts';
import type { WantedColumn } from './schema.ts';
import { commitTable } from './table-directory.ts';

export interface NewRows {
  readonly table: Directory;
  /** for messages */
  readonly name: string;
  readonly columns: readonly WantedColumn[];
  readonly partitionBy: string;
  /** a relation with these columns */
  readonly relation: string;
  /** epoch ms */
  readonly now: number;
}

/** @returns the id of the snapshot */
export const makeTableOfRows = async (
  connection: DuckDBConnection,
  { relation, ...wanted }: NewRows,
): Promise<bigint> => {
  const { table, now } = wanted;
  const metadata = tableToMake(wanted);
  const files = await writeDataFiles(
    connection,
    { table, metadata, fields: currentSchema(metadata).fields },
    { relation, unbounded: new Set() },
    randomUUID(),
  );
  const snapshotId = newSnapshotId();
  const manifest = await writeManifest(table, metadata, addedEntries(files, snapshotId));
  const next = await addSnapshot(table, metadata, [], manifest, {
    snapshotId,
    operation: 'append',
    summary: {},
    now,
  });
  await commitTable(table, null, next);
  return snapshotId;
};
