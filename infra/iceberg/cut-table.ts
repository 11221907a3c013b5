/**
 * Takes a table back to its newest snapshot that a shorter log covers, or deletes it, if the log
 * can fill it again from its start. Files that only later snapshots have are deleted as orphans
 * when the table is next opened for writing.
 */
import { MillraceError } from '#domain/errors.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import {
  currentSnapshot,
  endOffsetsOf,
  type Snapshot,
  type TableMetadata,
  writtenOf,
} from '#infra/shared/iceberg/metadata.ts';
import {
  commitTable,
  loadTable,
  type TableVersion,
  tableDirectory,
} from '#infra/shared/iceberg/table-directory.ts';

export interface LogExtent {
  /** by partition */
  readonly begin: readonly number[];
  readonly end: readonly number[];
}

/** What became of the table. */
export type CutTable = 'kept' | 'taken back' | 'deleted';

const isCovered = (snapshot: Snapshot | null, { begin, end }: LogExtent): boolean => {
  const reached = endOffsetsOf(snapshot);
  return (
    reached.every((offset, partition) => offset <= (end[partition] ?? 0)) &&
    begin.every((offset, partition) => offset <= (reached[partition] ?? 0))
  );
};

const takenBack = (metadata: TableMetadata, index: number): TableMetadata => {
  const snapshots = metadata.snapshots.slice(0, index + 1);
  const to = snapshots[index] as Snapshot;
  const ids = new Set(snapshots.map((snapshot) => snapshot['snapshot-id']));
  return {
    ...metadata,
    'current-snapshot-id': to['snapshot-id'],
    'current-schema-id': to['schema-id'],
    snapshots,
    'snapshot-log': metadata['snapshot-log'].filter((entry) => ids.has(entry['snapshot-id'])),
    refs: { main: { 'snapshot-id': to['snapshot-id'], type: 'branch' } },
  };
};

/** Commits a version whose newest snapshot is that of this index in `metadata.snapshots`. */
export const takeBack = async (
  table: Directory,
  base: TableVersion,
  index: number,
): Promise<void> => {
  await commitTable(table, base, takenBack(base.metadata, index));
};

/** @throws MR_REFUSED where the log cannot fill a table of the topic from its start */
export const assertFillable = (topic: string, { begin }: Pick<LogExtent, 'begin'>): void => {
  if (begin.some((offset) => offset > 0))
    throw new MillraceError(
      'MR_REFUSED',
      `The log of ${topic} was trimmed, and its history has no snapshot of that moment or before it. Restore to a later moment, or from a backup made before.`,
      { topic },
    );
};

/**
 * @param extent of the topic in the log; null: the log no longer has it
 * @throws MR_REFUSED where the log lacks records that no snapshot up to its end has
 */
export const cutTable = async (
  root: Directory,
  topic: string,
  extent: LogExtent | null,
): Promise<CutTable> => {
  const table = tableDirectory(root, topic);
  const base = await loadTable(table);
  if (base === null) return 'kept';
  const { metadata } = base;
  if (extent !== null) {
    if (isCovered(currentSnapshot(metadata), extent)) return 'kept';
    const index = metadata.snapshots.findLastIndex((snapshot) => isCovered(snapshot, extent));
    if (index >= 0) {
      await takeBack(table, base, index);
      return 'taken back';
    }
    assertFillable(topic, extent);
  }
  await root.files.deleteDirectory(table.uri);
  return 'deleted';
};

/**
 * The same for the table of a rollup, whose rows are of no topic: back to the newest snapshot whose
 * rows were all written by a time. Where there is none, the table is deleted, and rollups write it
 * anew.
 * @param until epoch ms
 */
export const cutRollup = async (
  root: Directory,
  topic: string,
  until: number,
): Promise<CutTable> => {
  const table = tableDirectory(root, topic);
  const base = await loadTable(table);
  if (base === null) return 'kept';
  const { metadata } = base;
  const isOfThen = (snapshot: Snapshot | null): boolean =>
    (writtenOf(snapshot)?.writtenAt ?? Number.POSITIVE_INFINITY) <= until;
  if (isOfThen(currentSnapshot(metadata))) return 'kept';
  const index = metadata.snapshots.findLastIndex(isOfThen);
  if (index >= 0) {
    await takeBack(table, base, index);
    return 'taken back';
  }
  await root.files.deleteDirectory(table.uri);
  return 'deleted';
};
