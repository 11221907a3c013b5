/**
 * Moves offsets to the topic's end where no record lies between: a reader of records stops before
 * the markers of transactions, and before records that were erased, although there is nothing left
 * to read.
 */
import type { Log } from '#domain/ports/log.ts';

/** So near to the end there are often only markers in between. */
const NEAR = 64;
const READ_BYTES = 4096;

interface Known {
  readonly offset: number;
  /** no record lies from `offset` up to here */
  readonly emptyTo: number;
  /** whether one is known to be there */
  readonly hasRecord: boolean;
}

export type Settle = (
  offsets: readonly (number | null)[],
  ends: readonly number[],
) => Promise<readonly number[]>;

/**
 * @returns a function to be called at each poll. Further behind, it reads only where the offset
 * stands still, and not twice in vain
 */
export const settledOffsets = (log: Pick<Log, 'read'>, topic: string): Settle => {
  const known = new Map<number, Known>();
  return (offsets, ends) =>
    Promise.all(
      ends.map(async (end, partition) => {
        const offset = offsets[partition] ?? 0;
        if (offset >= end) return offset;
        const before = known.get(partition);
        const stands = before?.offset === offset;
        if (stands && before.emptyTo >= end) return end;
        if (stands && before.hasRecord) return offset;
        const from = stands ? before.emptyTo : offset;
        if (!stands && end - offset > NEAR) {
          known.set(partition, { offset, emptyTo: offset, hasRecord: false });
          return offset;
        }
        const records = await log.read(topic, partition, from, READ_BYTES);
        const hasRecord = records.some((record) => record.offset < end);
        known.set(partition, { offset, emptyTo: hasRecord ? from : end, hasRecord });
        return hasRecord ? offset : end;
      }),
    );
};
