/** The files of a scan in the order of time, in parts that fit in memory. */
import type { PinnedFile } from './pinned-table.ts';

/** Approximate number of rows that a scan sorts at once; a day is never split. */
const RUN_ROWS = 400_000;

/** Groups files into runs of whole days, oldest first. */
export const runsOfDays = (files: readonly PinnedFile[]): readonly (readonly PinnedFile[])[] => {
  const sorted = [...files].sort(
    (a, b) => (a.day ?? Number.POSITIVE_INFINITY) - (b.day ?? Number.POSITIVE_INFINITY),
  );
  const runs: PinnedFile[][] = [];
  let rows = Number.POSITIVE_INFINITY;
  let day: number | null = null;
  for (const file of sorted) {
    if (rows >= RUN_ROWS && (file.day !== day || runs.length === 0)) {
      runs.push([]);
      rows = 0;
    }
    runs.at(-1)?.push(file);
    rows += file.file.record_count;
    day = file.day;
  }
  return runs;
};
