/**
 * Moves offsets to the topic's end where only transaction markers lie between: a reader of records
 * stops before a marker although there is nothing left to read.
 */
import type { Log } from '#domain/ports/log.ts';

/** Further behind than this there are records in between: reading them would be a waste. */
const NEAR = 64;
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
      if (offset >= end || end - offset > NEAR) return offset;
      const records = await log.read(topic, partition, offset, READ_BYTES);
      return records.some((record) => record.offset < end) ? offset : end;
    }),
  );
