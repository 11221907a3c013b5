/** Which files of a table a compaction replaces, and which of them together. */
import type { ManifestEntry, ManifestFile } from '#infra/shared/iceberg/manifest.ts';
import { UNSORTED } from '#infra/shared/iceberg/sort-order.ts';

export interface Sizes {
  /** so many small files of a day are merged, not fewer */
  readonly minFiles: number;
  /** larger files are not small */
  readonly smallBytes: number;
  /**
   * Files of so many rows are not small, and no more are merged when they have so many. Rows in the
   * order of offsets are read in parts, each from all files that may have some of them: files that
   * had whole days would be decoded again and again.
   */
  readonly fileRows: number;
  /** approximate limit of the rows rewritten in one commit */
  readonly maxRows: number;
}

interface ChoiceOptions extends Sizes {
  /** the name of the partition's field */
  readonly partition: string;
  /** the id of the order that files should have */
  readonly order: number;
  /** the id of the column of offsets, in whose order files are merged */
  readonly offset: number | undefined;
}

interface Choice {
  /** manifests without an entry that is replaced */
  readonly untouched: readonly ManifestFile[];
  readonly kept: readonly ManifestEntry[];
  /** Files to replace. Of each element, the files of one day become one file. */
  readonly merged: readonly (readonly ManifestEntry[])[];
}

const rowsOf = (entries: readonly ManifestEntry[]): number =>
  entries.reduce((sum, { data_file: { record_count } }) => sum + record_count, 0);

const firstOffset = ({ data_file }: ManifestEntry, offset: number | undefined): bigint => {
  const bound = data_file.lower_bounds?.find(({ key }) => key === offset)?.value;
  return bound?.length === 8 ? bound.readBigInt64LE() : 0n;
};

/** The files of a day in groups that each become one file, those that begin first in the first. */
const groupsOf = (
  files: readonly ManifestEntry[],
  { fileRows, offset }: ChoiceOptions,
): readonly (readonly ManifestEntry[])[] => {
  const groups: ManifestEntry[][] = [];
  let rows = fileRows;
  const sorted = files.map((entry) => ({ entry, first: firstOffset(entry, offset) }));
  for (const { entry } of sorted.sort((a, b) => Number(a.first - b.first))) {
    if (rows >= fileRows) {
      groups.push([]);
      rows = 0;
    }
    groups.at(-1)?.push(entry);
    rows += entry.data_file.record_count;
  }
  return groups;
};

export const chooseFiles = (
  manifests: readonly ManifestFile[],
  entries: readonly (readonly ManifestEntry[])[],
  options: ChoiceOptions,
): Choice => {
  const { minFiles, smallBytes, fileRows, maxRows, partition, order } = options;
  const isUnsorted = ({ data_file }: ManifestEntry): boolean =>
    order !== UNSORTED && data_file.sort_order_id !== order;
  const isSmall = ({ data_file }: ManifestEntry): boolean =>
    data_file.file_size_in_bytes < smallBytes && data_file.record_count < fileRows;
  const byDay = new Map<number | null, ManifestEntry[]>();
  for (const entry of entries.flat()) {
    if (!isSmall(entry) && !isUnsorted(entry)) continue;
    const day = entry.data_file.partition[partition] ?? null;
    const found = byDay.get(day);
    if (found === undefined) byDay.set(day, [entry]);
    else found.push(entry);
  }
  const merged: ManifestEntry[][] = [];
  let rows = 0;
  for (const files of [...byDay.values()].sort((a, b) => b.length - a.length)) {
    if (rows >= maxRows) break;
    const groups = groupsOf(files, options).filter(
      (group) => group.length >= minFiles || group.some(isUnsorted),
    );
    for (const [i, group] of groups.entries()) {
      merged[i] ??= [];
      merged[i].push(...group);
      rows += rowsOf(group);
    }
  }
  const replaced = new Set(merged.flat());
  const isReplaced = (entry: ManifestEntry): boolean => replaced.has(entry);
  const touched = entries.map((list) => list.some(isReplaced));
  return {
    untouched: manifests.filter((_, i) => !touched[i]),
    kept: entries
      .filter((_, i) => touched[i])
      .flat()
      .filter((entry) => !isReplaced(entry)),
    merged,
  };
};
