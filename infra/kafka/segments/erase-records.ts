/**
 * Takes records out of the files of a broker that is stopped. Offsets, times, transactions and
 * producers stay as they are, so the log has gaps afterwards, as after compaction.
 *
 * A segment is written anew beside the old one and takes its place in one step. Its indexes, which
 * have positions in the file, are deleted before: Kafka makes those that are missing when it
 * starts.
 */
import { open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '#domain/errors.ts';
import { syncPath } from '#infra/shared/files/durable-file.ts';
import { batchesOf, type PartitionFiles, partitionFiles, segmentPath } from './partition-files.ts';
import { recordsIn, type StoredRecord, withoutRecords } from './stored-batch.ts';

export type SegmentTest = (record: StoredRecord) => boolean | Promise<boolean>;

export interface FoundOffsets {
  readonly topic: string;
  readonly partition: number;
  readonly offsets: readonly number[];
}

const UNFINISHED = '.erasing';
const CLEAN = '.kafka_cleanshutdown';
/** What Kafka deletes some time after it has renamed it, or at its next start. */
const DELETED = /\.(?:deleted|cleaned|erasing)$/;

/**
 * Whether the broker was stopped in order: then its files are whole. After a kill, the end of a
 * file may be unfinished; the broker repairs that when it starts.
 */
export const isCleanlyStopped = async (logs: string): Promise<boolean> =>
  (await readdir(logs)).includes(CLEAN);

/** Deletes what Kafka has deleted, but still has on the disk. */
export const removeDeleted = async (logs: string): Promise<void> => {
  for (const entry of await readdir(logs, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory() ? /\.[0-9a-f]+-delete$/.test(entry.name) : DELETED.test(entry.name))
      await rm(path, { recursive: true, force: true });
  }
};

/** The offsets of a segment's records that the test holds for. */
const findIn = async (path: string, test: SegmentTest): Promise<readonly number[]> => {
  const offsets: number[] = [];
  for await (const batch of batchesOf(path)) {
    if (batch.isControl) continue;
    for (const record of recordsIn(batch)) if (await test(record)) offsets.push(record.offset);
  }
  return offsets;
};

const writeWithout = async (from: string, to: string, gone: ReadonlySet<number>): Promise<void> => {
  const handle = await open(to, 'w', 0o600);
  try {
    for await (const batch of batchesOf(from)) {
      const has = !batch.isControl && recordsIn(batch).some(({ offset }) => gone.has(offset));
      await handle.writeFile(has ? withoutRecords(batch, gone) : batch.bytes);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const replaceSegment = async (
  files: PartitionFiles,
  segment: string,
  gone: ReadonlySet<number>,
): Promise<void> => {
  const path = segmentPath(files, segment);
  await writeWithout(path, `${path}${UNFINISHED}`, gone);
  for (const index of ['index', 'timeindex'])
    await rm(join(files.directory, `${segment}.${index}`), { force: true });
  await syncPath(files.directory);
  await rename(`${path}${UNFINISHED}`, path);
  await syncPath(files.directory);
};

export interface EraseRecordsOptions {
  /** the broker's directory */
  readonly logs: string;
  /** null: no record of the topic is erased */
  readonly testOf: (topic: string, partition: number) => SegmentTest | null;
  /** called with the offsets of a segment before they are removed: they must be durable then */
  readonly onFound: (found: FoundOffsets) => void | Promise<void>;
}

/**
 * @throws MR_REFUSED where the broker was not stopped in order; MR_DATA_DAMAGED
 */
export const eraseRecords = async ({
  logs,
  testOf,
  onFound,
}: EraseRecordsOptions): Promise<void> => {
  if (!(await isCleanlyStopped(logs)))
    throw new MillraceError(
      'MR_REFUSED',
      `The broker of ${logs} runs, or was killed: its files are not changed.`,
      { path: logs },
    );
  await removeDeleted(logs);
  for (const files of await partitionFiles(logs)) {
    const { topic, partition } = files;
    const test = testOf(topic, partition);
    if (test === null) continue;
    for (const segment of files.segments) {
      const offsets = await findIn(segmentPath(files, segment), test);
      if (offsets.length === 0) continue;
      await onFound({ topic, partition, offsets });
      await replaceSegment(files, segment, new Set(offsets));
    }
  }
};
