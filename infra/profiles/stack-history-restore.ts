/**
 * Restores the Iceberg tables of the stack. Their metadata names files by path, and Flink takes the
 * paths as they are: in another directory, the tables are left out, and the archive job writes them
 * again from the log, if the log has all from the first record.
 */
import { MillraceError } from '#domain/errors.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import type { BackedUpFile } from '#infra/backup/catalog.ts';
import {
  assertFillable,
  type CutTable,
  type LogExtent,
  takeBack,
} from '#infra/iceberg/cut-table.ts';
import type { CutLog } from '#infra/kafka/copy/cut-batches.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { historyReader } from '#infra/shared/iceberg/reader.ts';
import { loadTable, tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import { HISTORY_PREFIX } from './stack-copy.ts';

export const extentsOf = (cut: CutLog): ReadonlyMap<string, LogExtent> => {
  const extents = new Map<string, { begin: number[]; end: number[] }>();
  for (const { partition, end } of cut.partitions) {
    const extent = extents.get(partition.topic) ?? { begin: [], end: [] };
    extent.begin[partition.partition] = partition.begin;
    extent.end[partition.partition] = end;
    extents.set(partition.topic, extent);
  }
  return extents;
};

/** `history/raw/flights/metadata/…` → `raw.flights` */
export const topicOfFile = ({ path }: BackedUpFile): string | null => {
  if (!path.startsWith(HISTORY_PREFIX)) return null;
  const [namespace, table] = path.slice(HISTORY_PREFIX.length).split('/');
  return `${decodeURIComponent(namespace ?? '')}.${decodeURIComponent(table ?? '')}`;
};

/** @throws MR_REFUSED where a table is needed that can be used in its old directory only */
export const assertMovable = (
  files: readonly BackedUpFile[],
  extents: ReadonlyMap<string, LogExtent>,
  from: string,
  to: string,
): void => {
  for (const topic of new Set(files.map(topicOfFile))) {
    if (topic === null || (extents.get(topic)?.begin ?? []).every((offset) => offset === 0))
      continue;
    throw new MillraceError(
      'MR_REFUSED',
      `The history of ${topic} names its files in ${from}, and the log no longer has all that it has: it cannot be restored to ${to}. Use the same path for the Iceberg warehouse.`,
      { topic, from, to },
    );
  }
};

/**
 * Takes tables that are ahead of the log back to a snapshot that is not, or deletes them. A table
 * that ends before its topic begins is kept as it was copied: the offsets between are those of
 * transactions' markers. After it was taken back, they may be those of records.
 */
export const cutTables = async (
  root: Directory,
  topics: readonly string[],
  cut: CutLog,
  spillDirectory: string,
): Promise<readonly { readonly topic: string; readonly became: CutTable }[]> => {
  const extents = extentsOf(cut);
  const duckDb = await openDuckDb({ memoryLimit: '512MB', threads: 1, spillDirectory });
  const reader = historyReader(root, duckDb);

  const cutOne = async (topic: string): Promise<CutTable> => {
    const table = tableDirectory(root, topic);
    const extent = extents.get(topic) ?? null;
    for (let became: CutTable = 'kept'; ; became = 'taken back') {
      const base = await loadTable(table);
      if (base === null) return became;
      const reached = await reader.endOffsets(topic);
      const isAhead =
        extent === null ||
        reached.some((offset, partition) => offset > (extent.end[partition] ?? 0));
      const isBehind =
        became !== 'kept' && extent?.begin.some((offset, p) => offset > (reached[p] ?? 0));
      if (!isAhead && isBehind !== true) return became;
      const { snapshots } = base.metadata;
      // What a snapshot has was in the log before it was made.
      const byTime = snapshots.findLastIndex(({ 'timestamp-ms': time }) => time <= cut.time);
      const index = Math.min(byTime, snapshots.length - 2);
      if (!isAhead || extent === null || index < 0) {
        if (extent !== null) assertFillable(topic, extent);
        await root.files.deleteDirectory(table.uri);
        return 'deleted';
      }
      await takeBack(table, base, index);
    }
  };

  try {
    const became: { topic: string; became: CutTable }[] = [];
    for (const topic of topics) became.push({ topic, became: await cutOne(topic) });
    return became.filter((one) => one.became !== 'kept');
  } finally {
    reader.close();
  }
};
