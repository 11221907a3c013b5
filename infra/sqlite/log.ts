/**
 * The embedded log. All appends of one turn of the event loop are one transaction: one fsync
 * answers them all, and the joined stream tasks work once on their records together. A batch that
 * is refused (unknown topic, producer's sequence) takes no other down; a commit that fails rejects
 * all that were in it.
 */
import { MillraceError } from '#domain/errors.ts';
import type { Append, Appended } from '#domain/ports/log.ts';
import type { TransactionalLog } from '#domain/ports/stream-task.ts';
import { streamTasks } from '#infra/embedded-engine/stream-tasks.ts';
import type { HybridClock } from '#infra/shared/clock/hybrid-clock.ts';
import { storageError } from '#infra/shared/sqlite/storage-error.ts';
import { decodeBatch } from '#infra/sqlite/batch-codec.ts';
import type { Database } from '#infra/sqlite/database.ts';
import { logMetadata } from '#infra/sqlite/log-metadata.ts';
import { readRecords } from '#infra/sqlite/log-reader.ts';
import { createLogTables, logReads, logWrites } from '#infra/sqlite/log-tables.ts';
import { createStaging, type Staging } from '#infra/sqlite/staging.ts';

interface Request {
  readonly batch: Append;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
}

type Outcome =
  | { readonly request: Request; readonly appended: Appended }
  | { readonly request: Request; readonly refused: unknown };

/**
 * The database outlives the log: `close` ends the log's work and leaves the connection to its
 * owner.
 */
export const sqliteLog = (database: Database, clock: HybridClock): TransactionalLog => {
  createLogTables(database.db);
  const reads = logReads(database.db);
  const writes = logWrites(database.db);
  const book = logMetadata(reads);
  clock.observe(reads.newestLogTime());

  const listeners = new Set<(topics: ReadonlySet<string>) => void>();
  let pending: Request[] = [];
  let flushing: NodeJS.Immediate | null = null;
  let working = false;
  let closed = false;

  const notify = (topics: ReadonlySet<string>): void => {
    if (topics.size === 0) return;
    for (const listener of [...listeners]) {
      try {
        listener(topics);
      } catch (error) {
        // what is durable stays acknowledged; the listener's bug still surfaces
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  };

  const commit = <T>(body: (staging: Staging) => T): T => {
    if (closed) throw new MillraceError('MR_UNAVAILABLE', 'The log is closed.');
    if (working)
      throw new MillraceError(
        'MR_INTERNAL',
        'The log was written from within its own transaction; return records from `process` instead.',
      );
    working = true;
    const staging = createStaging(book, clock.commitTime());
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
    notify(topics);
    return result;
  };

  const tasks = streamTasks(
    book,
    (partition, offset) => {
      const batch = reads.batch(partition, offset);
      return batch === null ? [] : decodeBatch(batch, offset);
    },
    commit,
  );

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
      const from = book.find(topic)?.length ?? 0;
      const ids = database.transaction(() => {
        const made: number[] = [];
        for (let number = from; number < partitions; number++)
          made.push(writes.addPartition(topic, number));
        return made;
      });
      ids.forEach((id, i) => {
        book.add({ id, topic, partition: from + i, begin: 0, end: 0 });
      });
    },
    topics: async () => book.topics(),
    append: (batch) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(new MillraceError('MR_UNAVAILABLE', 'The log is closed.'));
        pending.push({ batch, resolve, reject });
        flushing ??= setImmediate(flush);
      }),
    async read(topic, partition, offset, maxBytes) {
      const found = book.topic(topic)[partition];
      return found === undefined ? [] : readRecords(reads, found, offset, maxBytes);
    },
    begin: async (topic) => book.topic(topic).map((p) => p.begin),
    end: async (topic) => book.topic(topic).map((p) => p.end),
    offsetsAt: async (topic, time) => book.topic(topic).map((p) => reads.offsetAt(p, time)),
    committed: async (consumer, topic) =>
      book.topic(topic).map((p) => book.position(consumer, topic, p.partition)),
    producerSequence: async (producer, topic) => book.producer(producer, topic),
    onAppend(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    transact: (body) =>
      commit((staging) =>
        body({ logTime: staging.logTime, append: (batch) => staging.append(batch) }),
      ),
    run: (task) => tasks.run(task),
    async trim(topic, partition, beforeOffset) {
      const found = book.topic(topic)[partition];
      if (found === undefined) return;
      const begin = Math.min(beforeOffset, found.end);
      if (begin <= found.begin) return;
      database.transaction(() => writes.trim(found.id, begin));
      found.begin = begin;
    },
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
