/** The snapshots of a dimension that were taken, oldest first: from snapshots.<source>. */
import type { TakenSnapshot } from '#domain/api/publishing.ts';
import { decodeSnapshotTaken } from '#domain/events/snapshot-taken.ts';
import type { Log } from '#domain/ports/log.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import { snapshotTopic } from '#domain/ports/topics.ts';

export const createTakenSnapshots =
  (log: Log) =>
  async (source: string): Promise<readonly TakenSnapshot[]> => {
    const found: TakenSnapshot[] = [];
    for await (const records of readPartition(log, snapshotTopic(source), 0))
      for (const { value, logTime } of records)
        found.push({ ...decodeSnapshotTaken(value), takenAt: logTime });
    return found.sort((a, b) => a.time - b.time || a.takenAt - b.takenAt);
  };
