/**
 * What an embedded log adds to the port: code that runs inside the append.
 *
 * A task reads topics and writes records. Its output, its new read positions and, once it is caught
 * up, the very append that it reacts to are one transaction: a raw event, its feature updates and
 * the position are durable together, and nothing is visible before it is durable.
 *
 * The life of a task:
 * 1. `run` starts it at its committed positions. It works through what is there in the background,
 *    a few milliseconds a turn, in the order of log time, and joins the append path at the moment
 *    when nothing is left: no gap, no overlap.
 * 2. Joined, `process` is called within each append that touches its topics. Tasks that read what
 *    other tasks write get it in the same transaction.
 * 3. After the commit `committed` is called, before any producer is answered.
 * 4. Where the commit fails (disk full), `rolledBack` is called on each task that had processed
 *    something. It must bring its own state back to its committed positions; where it returns a
 *    promise, that is waited for. Then it resumes by itself as in 1, after a short pause.
 * 5. Where `process` or `committed` throws, that call's output is dropped, `rolledBack` is called,
 *    and the task stays stopped with `error()`; the append and all other tasks go on. Starting it
 *    again is the owner's business: mend the state, call `run` again.
 */
import type {
  Append,
  Appended,
  ConsumerPosition,
  Log,
  LogRecord,
  OutgoingRecord,
} from '#domain/ports/log.ts';

export interface StreamTask {
  readonly consumer: string;
  /** may name topics that do not exist yet; must not name one that the task writes */
  readonly topics: readonly string[];
  /**
   * Synchronous; changes the task's own state. Records of one partition come in offset order, each
   * once.
   * @param logTime the log time that the output records will have; each input record carries its
   * own
   */
  process(
    records: readonly LogRecord[],
    logTime: number,
  ): { readonly records: readonly OutgoingRecord[] };
  /** All that was processed since the last call is durable. */
  committed(): void;
  /**
   * All that was processed since the last `committed` did not happen: own state must be rebuilt
   * before the next `process`.
   */
  rolledBack(): void | Promise<void>;
}

export interface TaskHandle {
  /**
   * Resolves when the task has joined the append path (at once if it has); rejects if it fails or
   * is stopped before.
   */
  caughtUp(): Promise<void>;
  /** After it resolves no method of the task is called any more. Idempotent. */
  stop(): Promise<void>;
  /** Next offset to read, by topic and partition. */
  position(): readonly ConsumerPosition[];
  /** Records appended and not yet processed. */
  lag(): number;
  /** Whether it works within the appends: then nothing that is durable is unprocessed. */
  joined(): boolean;
  /** Why it is stopped; null while it works. */
  error(): Error | null;
}

export interface LogTransaction {
  readonly logTime: number;
  append(batch: Append): Appended;
}

export interface TransactionalLog extends Log {
  /**
   * Runs `body`, then the tasks that its appends concern, and commits, all before it returns; if
   * `body` throws, nothing is appended.
   */
  transact<T>(body: (transaction: LogTransaction) => T): T;
  /** @throws MR_REFUSED where a task of the same consumer is running */
  run(task: StreamTask): TaskHandle;
  /** Forgets the records before `beforeOffset` (at most all that there are); `begin` follows. */
  trim(topic: string, partition: number, beforeOffset: number): Promise<void>;
}
