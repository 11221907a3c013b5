/**
 * Offsets moved on to the end where nothing but transactions' markers lies between: a reader of
 * records stops before a marker, and has read all that there is.
 */
import type { Log } from '#domain/ports/log.ts';

/** Further behind than this there are records: no need to look. */
const LOOK = 64;
const READ_BYTES = 4096;

export const settledOffsets = (
  log: Pick<Log, 'read'>,
  topic: string,
  offsets: readonly number[],
  ends: readonly number[],
): Promise<readonly number[]> =>
  Promise.all(
    ends.map(async (end, partition) => {
      const offset = offsets[partition] ?? 0;
      if (offset >= end || end - offset > LOOK) return offset;
      const records = await log.read(topic, partition, offset, READ_BYTES);
      return records.some((record) => record.offset < end) ? offset : end;
    }),
  );
