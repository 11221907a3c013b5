/**
 * The embedded log. All appends of one turn of the event loop are one transaction: one fsync
 * answers them all, and the joined stream tasks run once on their records together. A batch that is
 * refused (unknown topic, producer's sequence) does not affect the others; a commit that fails
 * rejects every batch in it.
 */
import { MillraceError } from '#domain/errors.ts';
import { type Archive, isArchived } from '#domain/ports/archive.ts';
import { type Append, type Appended, isErased, type LogRecord } from '#domain/ports/log.ts';
import type { LogPartition, OpenTaskRunner, TransactionalLog } from '#domain/ports/stream-task.ts';
import type { Horizon } from '#domain/sources/horizon.ts';
import { appendListeners } from '#infra/shared/append-listeners.ts';
import type { HybridClock } from '#infra/shared/clock/hybrid-clock.ts';
import { storageError } from '#infra/shared/sqlite/storage-error.ts';
import { decodeBatch } from '#infra/sqlite/batch-codec.ts';
import type { Database } from '#infra/sqlite/database.ts';
import { followers } from '#infra/sqlite/followers.ts';
import { logMetadata, type Partition } from '#infra/sqlite/log-metadata.ts';
import { readRecords } from '#infra/sqlite/log-reader.ts';
import { createLogTables, logReads, logWrites } from '#infra/sqlite/log-tables.ts';
import { positionsUntil } from '#infra/sqlite/past-tables.ts';
import { createStaging, type Staging } from '#infra/sqlite/staging.ts';

interface Request {
  readonly batch: Append;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
}

type Outcome =
  | { readonly request: Request; readonly appended: Appended }
  | { readonly request: Request; readonly refused: unknown };

/** Trimming blocks the event loop for the time of deleting about this many bytes. */
const TRIM_BYTES = 8 * 1024 * 1024;

/**
 * `close` ends the log's work and leaves the database's connection open.
 * @param openTasks runs the stream tasks within the log's transactions; the embedded profile passes
 * `streamTasks` of infra/embedded-engine/stream-tasks.ts
 */
export const sqliteLog = (
  database: Database,
  clock: HybridClock,
  openTasks: OpenTaskRunner,
): TransactionalLog => {
  createLogTables(database.db);
  const reads = logReads(database.db);
  const writes = logWrites(database.db);
  const metadata = logMetadata(reads);
  const following = followers(metadata.find, positionsUntil(database.db, Number.POSITIVE_INFINITY));
  clock.observe(reads.newestLogTime());

  let archive: Archive | null = null;
  const readArchived = async (at: LogPartition, offset: number): Promise<readonly LogRecord[]> =>
    archive?.read(at, offset, at.begin) ?? [];

  /** topic → where its archive begins */
  const horizons = new Map<string, Horizon>();
  const archiveBegin = (topic: string, partition: number): number =>
    horizons.get(topic)?.begin[partition] ?? 0;

  const listeners = appendListeners();
  let pending: Request[] = [];
  let flushing: NodeJS.Immediate | null = null;
  let working = false;
  let closed = false;

  const commit = <T>(body: (staging: Staging) => T): T => {
    if (closed) throw new MillraceError('MR_UNAVAILABLE', 'The log is closed.');
    if (working)
      throw new MillraceError(
        'MR_INTERNAL',
        'The log was written from within its own transaction; return records from `process` instead.',
      );
    working = true;
    const staging = createStaging(metadata, following, clock.commitTime());
    let result: T;
    try {
      result = body(staging);
      tasks.react(staging);
      if (!staging.isEmpty()) database.transaction(() => staging.write(writes));
    } catch (error) {
      tasks.undone();
      throw error instanceof Error && 'errcode' in error
        ? storageError(error, database.path)
        : error;
    } finally {
      working = false;
    }
    const topics = staging.settle();
    tasks.settled();
    if (topics.size > 0) listeners.notify(topics);
    return result;
  };

  const tasks = openTasks({
    partitions: metadata.find,
    position: metadata.position,
    read(partition, offset) {
      const batch = reads.batch(partition as Partition, offset);
      return batch === null ? [] : decodeBatch(batch, offset);
    },
    readArchived: (partition, offset) => readArchived(partition, offset),
    commit,
  });

  const offsetAt = async (partition: Partition, time: number): Promise<number> => {
    const { archived, trimmedTime, begin } = partition;
    const trimmed =
      archived && time < trimmedTime ? await archive?.offsetAt(partition, begin, time) : null;
    return trimmed ?? reads.offsetAt(partition, time);
  };

  const stageAll = (requests: readonly Request[], staging: Staging): Outcome[] =>
    requests.map((request) => {
      try {
        return { request, appended: staging.append(request.batch) };
      } catch (refused) {
        return { request, refused };
      }
    });

  const flush = (): void => {
    flushing = null;
    const requests = pending;
    pending = [];
    let outcomes: readonly Outcome[];
    try {
      outcomes = commit((staging) => stageAll(requests, staging));
    } catch (error) {
      for (const { reject } of requests) reject(error);
      return;
    }
    for (const outcome of outcomes) {
      if ('appended' in outcome) outcome.request.resolve(outcome.appended);
      else outcome.request.reject(outcome.refused);
    }
  };

  return {
    async createTopic(topic, { partitions }) {
      const from = metadata.find(topic)?.length ?? 0;
      const ids = database.transaction(() => {
        const made: number[] = [];
        for (let number = from; number < partitions; number++)
          made.push(writes.addPartition(topic, number));
        return made;
      });
      ids.forEach((id, i) => {
        metadata.add({ id, topic, partition: from + i, begin: 0, end: 0, trimmedTime: 0 });
      });
    },
    topics: async () => metadata.topics(),
    append: (batch) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(new MillraceError('MR_UNAVAILABLE', 'The log is closed.'));
        pending.push({ batch, resolve, reject });
        flushing ??= setImmediate(flush);
      }),
    async read(topic, partition, offset, maxBytes) {
      const found = metadata.topic(topic)[partition];
      if (found === undefined) return [];
      let next = found.archived ? Math.max(offset, archiveBegin(topic, partition)) : offset;
      while (found.archived && next < found.begin) {
        const all = await readArchived(found, next);
        const kept = all.filter((record) => !isErased(record));
        if (kept.length > 0 || all.length === 0) return kept;
        next += all.length;
      }
      return readRecords(reads, found, next, maxBytes);
    },
    begin: async (topic) =>
      metadata.topic(topic).map((p) => (p.archived ? archiveBegin(topic, p.partition) : p.begin)),
    end: async (topic) => metadata.topic(topic).map((p) => p.end),
    offsetsAt: (topic, time) => Promise.all(metadata.topic(topic).map((p) => offsetAt(p, time))),
    committed: async (consumer, topic) =>
      metadata.topic(topic).map((p) => metadata.position(consumer, topic, p.partition)),
    producerSequence: async (producer, topic) => metadata.producer(producer, topic),
    onAppend: listeners.add,
    transact: (body) =>
      commit((staging) =>
        body({ logTime: staging.logTime, append: (batch) => staging.append(batch) }),
      ),
    run: (task) => tasks.run(task),
    async trim(topic, partition, beforeOffset) {
      const found = metadata.topic(topic)[partition];
      if (found === undefined) return;
      const wanted = Math.min(beforeOffset, found.end);
      while (!closed && found.begin < wanted) {
        const begin = Math.min(wanted, reads.offsetAfter(found, TRIM_BYTES));
        const trimmedTime = reads.logTimeBefore(found, begin);
        database.transaction(() => writes.trim(found.id, begin, trimmedTime));
        Object.assign(found, { begin, trimmedTime });
        // Producers and readers get their turns in between.
        if (begin < wanted) await new Promise((resolve) => setImmediate(resolve));
      }
    },
    attachArchive(attached) {
      archive = attached;
      metadata.archive(isArchived);
    },
    setHorizon(topic, horizon) {
      horizons.set(topic, horizon);
    },
    horizon: (topic) => horizons.get(topic) ?? null,
    kept: (topic) =>
      metadata
        .topic(topic)
        .map((p) => ({ begin: p.begin, end: p.end, oldest: reads.oldestLogTime(p) })),
    keptOffsetsAt: (topic, time) => metadata.topic(topic).map((p) => reads.offsetAt(p, time)),
    async close() {
      if (closed) return;
      if (flushing !== null) {
        clearImmediate(flushing);
        flush();
      }
      closed = true;
      await tasks.close();
      listeners.clear();
    },
  };
};
