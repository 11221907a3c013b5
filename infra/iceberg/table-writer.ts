/**
 * The writing side of one table: evolves the schema, collects pending rows, commits them together
 * with the offsets that they reach.
 */
import { randomUUID } from 'node:crypto';
import type { DuckDBConnection } from '@duckdb/node-api';
import { hasCode, MillraceError } from '#domain/errors.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import { isDiskFull } from '#infra/shared/files/durable-file.ts';
import {
  addedEntries,
  addSnapshot,
  type Checkpoint,
  manifestsOf,
  newSnapshotId,
  writeManifest,
} from '#infra/shared/iceberg/append.ts';
import { writeDataFiles } from '#infra/shared/iceberg/data-files.ts';
import { tableToMake } from '#infra/shared/iceberg/ensure-table.ts';
import {
  currentSchema,
  currentSnapshot,
  endOffsetsOf,
  endOffsetsSummary,
  type TableMetadata,
  withSchema,
} from '#infra/shared/iceberg/metadata.ts';
import { rewriteColumns } from '#infra/shared/iceberg/rewrite-columns.ts';
import { evolve, META_COLUMNS, type WantedColumn } from '#infra/shared/iceberg/schema.ts';
import { withSortOrder } from '#infra/shared/iceberg/sort-order.ts';
import {
  commitTable,
  loadTable,
  type TableVersion,
} from '#infra/shared/iceberg/table-directory.ts';
import { type PendingRows, pendingRows } from './pending-rows.ts';

export interface TableWriterOptions {
  readonly table: Directory;
  /** for messages: the topic */
  readonly name: string;
  readonly connection: DuckDBConnection;
  readonly now: () => number;
  /** the id of the platform that a new table belongs to */
  readonly platform?: string | undefined;
  /** the keys by which files are sorted; empty: they are not */
  readonly keys?: () => readonly string[];
  readonly checkpoint?: Checkpoint | undefined;
}

export interface TableWriter {
  /** next offsets that the table reaches, read anew */
  endOffsets(): Promise<readonly number[]>;
  /** true: rows of this schema can be added; false: commit what is pending first */
  accepts(columns: readonly WantedColumn[]): boolean;
  /** where rows are added; the columns become the table's with the next commit */
  begin(columns: readonly WantedColumn[], partitionBy: string): Promise<PendingRows>;
  /**
   * @returns false where another writer has moved the offsets: nothing was committed, and the
   * caller starts again from `endOffsets`
   */
  commit(from: readonly number[], to: readonly number[]): Promise<boolean>;
  /** drops pending rows */
  abandon(): Promise<void>;
}

const MAX_ATTEMPTS = 20;
const sameOffsets = (a: readonly number[], b: readonly number[]): boolean => {
  for (let i = 0; i < Math.max(a.length, b.length); i++)
    if ((a[i] ?? 0) !== (b[i] ?? 0)) return false;
  return true;
};

const isFull = (error: unknown): boolean => isDiskFull(error) || hasCode(error, 'MR_DISK_FULL');

export const tableWriter = ({
  table,
  name,
  connection,
  now,
  platform,
  keys = () => [],
  checkpoint,
}: TableWriterOptions): TableWriter => {
  let base: TableVersion | null = null;
  let pending: {
    readonly rows: PendingRows;
    readonly columns: readonly WantedColumn[];
    readonly partitionBy: string;
    readonly metadata: TableMetadata;
  } | null = null;

  const sorted = (metadata: TableMetadata, eventTime: string): TableMetadata =>
    keys().length === 0
      ? metadata
      : withSortOrder(metadata, currentSchema(metadata).fields, [...keys(), eventTime]);

  /** The metadata with these columns, on top of the newest version. */
  const shape = (columns: readonly WantedColumn[], partitionBy: string): TableMetadata => {
    const wanted = [...columns, ...META_COLUMNS];
    if (base === null)
      return sorted(
        tableToMake({ table, name, columns: wanted, partitionBy, now: now(), platform }),
        partitionBy,
      );
    const { metadata } = base;
    const { fields, lastColumnId, changed } = evolve(
      name,
      currentSchema(metadata).fields,
      metadata['last-column-id'],
      wanted,
    );
    const shaped = changed ? withSchema(metadata, fields, lastColumnId) : metadata;
    return sorted(shaped, partitionBy);
  };

  const abandon = async (): Promise<void> => {
    const dropped = pending;
    pending = null;
    await dropped?.rows.drop();
  };

  const tryCommit = async (from: readonly number[], to: readonly number[]): Promise<boolean> => {
    if (pending === null) return true;
    const { rows, columns, partitionBy, metadata } = pending;
    rows.flush();
    const { fields } = currentSchema(metadata);
    const files = await writeDataFiles(
      connection,
      { table, metadata, fields },
      { relation: rows.relation, unbounded: rows.unbounded() },
      randomUUID(),
    );
    await checkpoint?.('data');
    const snapshotId = newSnapshotId();
    const manifest = await writeManifest(table, metadata, addedEntries(files, snapshotId));
    await checkpoint?.('manifest');
    let current = metadata;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const kept = await manifestsOf(table, current, currentSnapshot(current));
      const summary = endOffsetsSummary(to);
      const next = await addSnapshot(table, current, kept, manifest, {
        snapshotId,
        operation: 'append',
        summary,
        now: now(),
        checkpoint,
      });
      const done = await commitTable(table, base, next);
      if (done !== null) {
        base = done;
        await checkpoint?.('commit');
        return true;
      }
      base = await loadTable(table, base);
      if (base === null || !sameOffsets(endOffsetsOf(currentSnapshot(base.metadata)), from))
        return false;
      current = shape(columns, partitionBy);
      // The files have field ids: if another commit assigned others, they would be read wrongly.
      if (JSON.stringify(currentSchema(current).fields) !== JSON.stringify(fields)) return false;
    }
    throw new MillraceError(
      'MR_STORAGE_FAILED',
      `Other writers commit to the history table ${name} without a pause; try again.`,
      { name },
    );
  };

  return {
    async endOffsets() {
      base = await loadTable(table, base);
      return base === null ? [] : endOffsetsOf(currentSnapshot(base.metadata));
    },
    accepts(columns) {
      if (pending === null) return true;
      const { metadata } = pending;
      return !evolve(name, currentSchema(metadata).fields, metadata['last-column-id'], [
        ...columns,
        ...META_COLUMNS,
      ]).changed;
    },
    async begin(columns, partitionBy) {
      if (pending !== null) return pending.rows;
      if (base !== null)
        base = await rewriteColumns({ table, connection, now: now() }, name, base, [
          ...columns,
          ...META_COLUMNS,
        ]);
      const metadata = shape(columns, partitionBy);
      pending = {
        rows: await pendingRows(connection, currentSchema(metadata).fields),
        columns,
        partitionBy,
        metadata,
      };
      return pending.rows;
    },
    async commit(from, to) {
      try {
        return await tryCommit(from, to);
      } catch (error) {
        if (!isFull(error)) throw error;
        throw new MillraceError(
          'MR_DISK_FULL',
          `The disk that holds ${table.uri} is full; the log keeps the records that the history does not have yet.`,
          { location: table.uri },
        );
      } finally {
        await abandon();
      }
    },
    abandon,
  };
};
