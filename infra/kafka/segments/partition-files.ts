/**
 * The files of a broker's partitions. A partition is a directory `<topic>-<n>`, with segments
 * `<first offset>.log` and files beside them that follow from the segments.
 */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '#domain/errors.ts';
import {
  batchLength,
  HEAD_BYTES,
  recordsIn,
  type StoredBatch,
  type StoredRecord,
  storedBatch,
} from './stored-batch.ts';

export interface PartitionFiles {
  readonly topic: string;
  readonly partition: number;
  readonly directory: string;
  /** names of the segments without `.log`, in order */
  readonly segments: readonly string[];
}

/** Of deleted topics, too: Kafka renames a directory first, and deletes it later. */
const DIRECTORY = /^(.+)-(\d+)$/;
/** Of Kafka itself: its records have another format, and none of ours. */
const METADATA = '__cluster_metadata';
const SEGMENT = /^(\d{20})\.log$/;

export const partitionFiles = async (logs: string): Promise<readonly PartitionFiles[]> => {
  const found: PartitionFiles[] = [];
  for (const entry of await readdir(logs, { withFileTypes: true })) {
    const [, topic, partition] = DIRECTORY.exec(entry.name) ?? [];
    if (!entry.isDirectory() || topic === undefined || topic === METADATA) continue;
    const directory = join(logs, entry.name);
    const segments = (await readdir(directory)).flatMap((name) => SEGMENT.exec(name)?.[1] ?? []);
    found.push({ topic, partition: Number(partition), directory, segments: segments.sort() });
  }
  return found.sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition);
};

export const segmentPath = ({ directory }: PartitionFiles, segment: string): string =>
  join(directory, `${segment}.log`);

const PIECE_BYTES = 1024 * 1024;

/**
 * The batches of a segment. The bytes are valid until the next one.
 * @param isOpen Kafka writes to it: an unfinished batch at its end is not there yet
 * @throws MR_DATA_DAMAGED
 */
export async function* batchesOf(path: string, isOpen = false): AsyncGenerator<StoredBatch> {
  const handle = await open(path, 'r');
  try {
    let buffer: Buffer = Buffer.alloc(0);
    const fill = async (bytes: number): Promise<boolean> => {
      while (buffer.length < bytes) {
        const piece = Buffer.alloc(Math.max(PIECE_BYTES, bytes - buffer.length));
        const { bytesRead } = await handle.read(piece, 0, piece.length);
        if (bytesRead === 0) return false;
        buffer = Buffer.concat([buffer, piece.subarray(0, bytesRead)]);
      }
      return true;
    };
    while (await fill(HEAD_BYTES)) {
      const bytes = batchLength(buffer);
      if (!(await fill(bytes))) break;
      yield storedBatch(buffer.subarray(0, bytes), path);
      buffer = buffer.subarray(bytes);
    }
    if (buffer.length > 0 && !isOpen)
      throw new MillraceError('MR_DATA_DAMAGED', `${path} ends within a batch of records.`, {
        path,
      });
  } finally {
    await handle.close();
  }
}

/**
 * The records of a partition, batch by batch.
 * @param isOpen as of `batchesOf`
 */
export async function* recordsOf(
  files: PartitionFiles,
  isOpen = false,
): AsyncGenerator<readonly StoredRecord[]> {
  for (const segment of files.segments)
    for await (const batch of batchesOf(segmentPath(files, segment), isOpen))
      if (!batch.isControl) yield recordsIn(batch);
}
