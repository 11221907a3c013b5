/** Copies the log of the stack into a directory of backups, from where the last backup ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '#domain/errors.ts';
import { isIngestTopic, REGISTRY_TOPIC } from '#domain/ports/topics.ts';
import type { BackedUpFile } from '#infra/backup/catalog.ts';
import {
  type CopiedBatch,
  type CopiedRecord,
  decodeBatches,
  encodeBatches,
} from '#infra/kafka/copy/copied-batch.ts';
import type { BatchReader, TopicExtent } from '#infra/kafka/copy/read-batches.ts';
import { type BackupRun, putBytes } from '#infra/profiles/backup-files.ts';
import { type Chunk, chunkPath, isAtomic, type StackMoment } from './stack-copy.ts';

export interface LogMoment extends Pick<StackMoment, 'time' | 'topics' | 'ingest'> {}

export interface LogMomentOptions {
  readonly reader: BatchReader;
  /** writes to a topic */
  readonly nudge: (topic: string) => Promise<void>;
  /** whether the topic is of this platform */
  readonly isMine: () => Promise<(topic: string) => boolean>;
}

/** How often all is fixed again where the ingest workers' positions moved meanwhile. */
const ATTEMPTS = 200;
const DECIDED_MS = 30_000;
const POLL_MS = 5;
const CHUNK_BYTES = 4 * 1024 * 1024;

const ingestPositions = async (reader: BatchReader): Promise<LogMoment['ingest']> => {
  const topics = (await reader.topics()).filter(isIngestTopic);
  return Promise.all(
    topics.map(async (topic) => ({ topic, offsets: await reader.committed(topic, topic) })),
  );
};

const openTransaction = (topic: string): MillraceError =>
  new MillraceError(
    'MR_LOG_UNAVAILABLE',
    `A transaction in ${topic} is open for more than ${DECIDED_MS / 1000} s: its producer has died, or another program writes to the topic. Try again when the broker has ended it.`,
    { topic },
  );

/** Waits until all that is in the topic now is decided. */
const decidedEnds = async (reader: BatchReader, topic: string): Promise<readonly number[]> => {
  if (!isAtomic(topic)) return reader.ends(topic, 'decided');
  const wanted = await reader.ends(topic, 'all');
  for (const deadline = performance.now() + DECIDED_MS; ; await sleep(POLL_MS)) {
    const ends = await reader.ends(topic, 'decided');
    if (wanted.every((end, partition) => end <= (ends[partition] ?? 0))) return ends;
    if (performance.now() > deadline) throw openTransaction(topic);
  }
};

const extentsOf = async ({ reader, isMine }: LogMomentOptions): Promise<TopicExtent[]> => {
  const topics = (await reader.topics()).filter(await isMine());
  return Promise.all(
    topics.toSorted().map(async (topic) => {
      const end = await decidedEnds(reader, topic);
      const begin = await reader.begins(topic);
      return { topic, end, begin: end.map((_, partition) => begin[partition] ?? 0) };
    }),
  );
};

/** The broker's time: that of a batch which is written after the call. */
const timeOfNew = async ({ reader, nudge }: LogMomentOptions): Promise<number> => {
  const [before = 0] = await reader.ends(REGISTRY_TOPIC, 'all');
  // So that what was acknowledged just now has an earlier time.
  await sleep(2);
  await nudge(REGISTRY_TOPIC);
  for (const deadline = performance.now() + DECIDED_MS; ; await sleep(POLL_MS)) {
    const [end = 0] = await reader.ends(REGISTRY_TOPIC, 'decided');
    const time = end > before ? await reader.newestTime(REGISTRY_TOPIC) : null;
    if (time !== null) return time;
    if (performance.now() > deadline) throw openTransaction(REGISTRY_TOPIC);
  }
};

/**
 * Fixes the moment of a backup: a log time at which all earlier records are decided, and below the
 * ends that are returned. It is the time of a record that this process has the broker write first;
 * so it includes all that was acknowledged before.
 *
 * Positions of the ingest workers are in transactions with the records that they count. They are of
 * that moment if they are the same before and after.
 */
export const logMoment = async (options: LogMomentOptions): Promise<LogMoment> => {
  const { reader } = options;
  for (let attempt = 1; ; attempt++) {
    const before = await ingestPositions(reader);
    const newest = await timeOfNew(options);
    const topics = await extentsOf(options);
    const after = await ingestPositions(reader);
    if (JSON.stringify(before) === JSON.stringify(after))
      return { time: newest - 1, topics, ingest: after };
    if (attempt >= ATTEMPTS)
      throw new MillraceError(
        'MR_STORAGE_FAILED',
        'The ingest workers commit without a pause, so that no moment between two of their commits was found. Try again when less is written to the ingest topics.',
        {},
      );
  }
};

const lastRecord = (batches: readonly CopiedBatch[]): CopiedRecord | null =>
  batches.findLast(({ records }) => records.length > 0)?.records.at(-1) ?? null;

const textOf = (batches: readonly CopiedBatch[], offset: number): string | null => {
  for (const { time, records } of batches) {
    const found = records.find((record) => record.offset === offset);
    if (found !== undefined) return JSON.stringify([time, found]);
  }
  return null;
};

/**
 * Chunks of an earlier backup that are of this log. A platform that was restored to an earlier
 * moment has gone on differently since: then the last record of the chunks is not in its log. Where
 * the log no longer has the offset of that record, nothing shows whether the chunks are of it.
 */
const usable = async (
  run: BackupRun,
  reader: BatchReader,
  chunks: readonly Chunk[],
  begin: number,
  end: number,
): Promise<readonly Chunk[]> => {
  const kept = chunks.filter(({ next }) => next > begin);
  if ((kept[0]?.from ?? 0) > begin || (kept.at(-1)?.next ?? 0) > end) return [];
  for (const { file, topic, partition } of kept.toReversed()) {
    const batches = await decodeBatches(await run.content.read(file, file.path));
    const last = lastRecord(batches);
    if (last === null) continue;
    if (last.offset < begin) return [];
    const now: CopiedBatch[] = [];
    for await (const batch of reader.batches(topic, partition, last.offset, last.offset + 1))
      now.push(batch);
    return textOf(batches, last.offset) === textOf(now, last.offset) ? kept : [];
  }
  return [];
};

const sizeOf = ({ records }: CopiedBatch): number =>
  records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0) + 16, 64);

/** @returns the chunks of the partition, those of earlier backups among them */
export const putPartition = async (
  run: BackupRun,
  reader: BatchReader,
  { topic, begin, end }: TopicExtent,
  partition: number,
  before: readonly Chunk[],
): Promise<readonly BackedUpFile[]> => {
  const [from, to] = [begin[partition] ?? 0, end[partition] ?? 0];
  const kept = await usable(run, reader, before, from, to);
  const files = kept.map(({ file }) => file);
  let at = kept.at(-1)?.next ?? from;
  let [batches, bytes]: [CopiedBatch[], number] = [[], 0];
  const put = async (next: number): Promise<void> => {
    const path = chunkPath({ topic, partition, from: at, next });
    files.push({ path, ...(await putBytes(run, await encodeBatches(batches))) });
    at = next;
    [batches, bytes] = [[], 0];
  };
  for await (const batch of reader.batches(topic, partition, at, to)) {
    batches.push(batch);
    bytes += sizeOf(batch);
    if (bytes >= CHUNK_BYTES) await put(batch.next);
  }
  if (at < to) await put(to);
  return files;
};
