/** All events of a query by columns, in order: what is read without DuckDB, and what it reads. */
import type { DuckDBDataChunk } from '@duckdb/node-api';
import type { FileIO } from '#domain/ports/file-io.ts';
import type { EventQuery, ScannedColumns } from '#domain/ports/history.ts';
import { columnBatches } from './column-batches.ts';
import { canScan, scanInOrder, type Unread } from './column-scan.ts';
import { type PinnedFile, type PinnedTable, selectFiles } from './pinned-table.ts';
import { runsOfDays } from './runs-of-days.ts';
import type { IcebergField } from './schema.ts';
import type { Query } from './table-query.ts';

interface ScanColumnsDependencies {
  readonly files: FileIO;
  /** @throws MR_DATA_DAMAGED */
  readonly check: (topic: string, files: readonly PinnedFile[]) => Promise<void>;
  /** DuckDB's rows of the files, in the order of (event time, partition, offset). */
  readonly chunks: (
    table: PinnedTable,
    files: readonly PinnedFile[],
    fields: readonly IcebergField[],
    query: Query,
  ) => AsyncIterable<DuckDBDataChunk>;
}

type ColumnsQuery = EventQuery & { readonly fields: readonly string[] };

export const scanColumns = ({ files, check, chunks }: ScanColumnsDependencies) =>
  /** @param fields the columns to read */
  async function* (
    table: PinnedTable,
    query: ColumnsQuery,
    fields: readonly IcebergField[],
  ): AsyncGenerator<ScannedColumns> {
    const time = table.timeField;
    const batches = columnBatches(fields, time, query.fields);
    let unread: Unread = { files: selectFiles(table, query), from: query.from };
    if (canScan(fields) && query.where === undefined && query.anyOf === undefined) {
      const { texts, of: batch } = batches;
      const checkOne = (file: PinnedFile): Promise<void> => check(table.topic, [file]);
      const scan = { fields, time, query, texts, batch, check: checkOne };
      unread = yield* scanInOrder(files, unread.files, scan);
    }
    for (const run of runsOfDays(unread.files)) {
      for await (const chunk of chunks(table, run, fields, { ...query, from: unread.from })) {
        const full = batches.add(chunk);
        if (full !== null) yield full;
      }
    }
    const rest = batches.rest();
    if (rest !== null) yield rest;
  };
