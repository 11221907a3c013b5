/**
 * One table's writing side: evolves the schema, takes pending rows, commits them with the offsets
 * that they reach.
 */
import { randomUUID } from 'node:crypto';
import type { DuckDBConnection } from '@duckdb/node-api';
import { MillraceError } from '#domain/errors.ts';
import { diskError } from '#infra/files/local-files.ts';
import {
  addedEntries,
  addSnapshot,
  type Checkpoint,
  manifestsOf,
  newSnapshotId,
  writeManifest,
} from '#infra/shared/iceberg/append.ts';
import { writeDataFiles } from '#infra/shared/iceberg/data-files.ts';
import {
  currentSchema,
  currentSnapshot,
  endOffsetsOf,
  endOffsetsSummary,
  newTable,
  type TableMetadata,
  withSchema,
} from '#infra/shared/iceberg/metadata.ts';
import { evolve, META_COLUMNS, type WantedColumn } from '#infra/shared/iceberg/schema.ts';
import {
  commitTable,
  loadTable,
  locationOf,
  type TableVersion,
} from '#infra/shared/iceberg/table-directory.ts';
import { type PendingRows, pendingRows } from './pending-rows.ts';

export interface TableWriterOptions {
  readonly directory: string;
  /** for messages: the topic */
  readonly name: string;
  readonly connection: DuckDBConnection;
  readonly now: () => number;
  readonly checkpoint?: Checkpoint | undefined;
}

export interface TableWriter {
  /** next offsets that the table reaches, read again from disk */
  endOffsets(): Promise<readonly number[]>;
  /** true: rows of this schema can be added; false: commit what is pending first */
  accepts(columns: readonly WantedColumn[]): boolean;
  /** what to add rows to; the schema becomes the table's with the next commit */
  begin(columns: readonly WantedColumn[], partitionBy: string): Promise<PendingRows>;
  /**
   * @returns false where another writer has moved the offsets: nothing was committed, start over
   * from `through`
   */
  commit(from: readonly number[], to: readonly number[]): Promise<boolean>;
  /** forgets pending rows */
  abandon(): Promise<void>;
}

const MAX_ATTEMPTS = 20;
const sameOffsets = (a: readonly number[], b: readonly number[]): boolean => {
  for (let i = 0; i < Math.max(a.length, b.length); i++)
    if ((a[i] ?? 0) !== (b[i] ?? 0)) return false;
  return true;
};

export const tableWriter = ({
  directory,
  name,
  connection,
  now,
  checkpoint,
}: TableWriterOptions): TableWriter => {
  let base: TableVersion | null = null;
  let pending: {
    readonly rows: PendingRows;
    readonly columns: readonly WantedColumn[];
    readonly partitionBy: string;
    readonly metadata: TableMetadata;
  } | null = null;

  /** The table with these columns, on top of what is on disk. */
  const shape = (columns: readonly WantedColumn[], partitionBy: string): TableMetadata => {
    const wanted = [...columns, ...META_COLUMNS];
    if (base === null) {
      const { fields, lastColumnId } = evolve(name, [], 0, wanted);
      return newTable({
        uuid: randomUUID(),
        location: locationOf(directory),
        fields,
        lastColumnId,
        partitionBy,
        now: now(),
      });
    }
    const { metadata } = base;
    const { fields, lastColumnId, changed } = evolve(
      name,
      currentSchema(metadata).fields,
      metadata['last-column-id'],
      wanted,
    );
    return changed ? withSchema(metadata, fields, lastColumnId) : metadata;
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
      { directory, metadata, fields },
      { relation: rows.relation, unbounded: rows.unbounded() },
      randomUUID(),
    );
    await checkpoint?.('data');
    const snapshotId = newSnapshotId();
    const manifest = await writeManifest(directory, metadata, addedEntries(files, snapshotId));
    await checkpoint?.('manifest');
    let current = metadata;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const kept = await manifestsOf(directory, current, currentSnapshot(current));
      const summary = endOffsetsSummary(to);
      const next = await addSnapshot(directory, current, kept, manifest, {
        snapshotId,
        operation: 'append',
        summary,
        now: now(),
        checkpoint,
      });
      const done = await commitTable(directory, base, next);
      if (done !== null) {
        base = done;
        await checkpoint?.('commit');
        return true;
      }
      base = await loadTable(directory, base);
      if (base === null || !sameOffsets(endOffsetsOf(currentSnapshot(base.metadata)), from))
        return false;
      current = shape(columns, partitionBy);
      // Field ids are in the files: with others given meanwhile they would be read wrongly.
      if (JSON.stringify(currentSchema(current).fields) !== JSON.stringify(fields)) return false;
    }
    throw new MillraceError(
      'MR_STORAGE_FAILED',
      `The history table ${name} is being committed to by others without a pause; try again.`,
      { name },
    );
  };

  return {
    async endOffsets() {
      base = await loadTable(directory, base);
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
        throw diskError(error, directory);
      } finally {
        await abandon();
      }
    },
    abandon,
  };
};
