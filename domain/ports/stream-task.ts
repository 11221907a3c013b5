/**
 * Stream tasks: code that runs inside the append of an embedded log.
 *
 * A task reads topics and writes records. Its output, its new read positions and, once it has
 * caught up, the append that it reacts to are one transaction: a raw event, its feature updates and
 * the position are durable together, and nothing is visible before it is durable.
 *
 * The life of a task:
 * 1. `run` starts it at its committed positions. It works through what is there in the background,
 *    a few milliseconds a turn, in the order of log time, and joins the append path at the moment
 *    when nothing is left: no gap, no overlap.
 * 2. Once it has joined, `process` is called within each append that touches its topics. Tasks that
 *    read what other tasks write get it in the same transaction.
 * 3. After the commit `committed` is called, before any producer is answered.
 * 4. Where the commit fails (disk full), `rolledBack` is called on each task that had processed
 *    something. It must bring its own state back to its committed positions; where it returns a
 *    promise, that is awaited. Then it resumes by itself as in 1, after a short pause.
 * 5. Where `process` or `committed` throws, that call's output is dropped, `rolledBack` is called,
 *    and the task stays stopped with `error()`; the append and all other tasks go on. To start it
 *    again, its owner repairs the state and calls `run`.
 *
 * The log and the tasks' runner are separate adapters: the log gives the runner a `TaskHost`, the
 * runner gives the log the hooks of `TaskRunner`, and the profile passes one to the other.
 */
import type { Archive } from '#domain/ports/archive.ts';
import type {
  Append,
  Appended,
  ConsumerPosition,
  Log,
  LogRecord,
  OutgoingRecord,
} from '#domain/ports/log.ts';
import type { Horizon } from '#domain/sources/horizon.ts';

export interface StreamTask {
  readonly consumer: string;
  /** may name topics that do not exist yet; must not name one that the task writes */
  readonly topics: readonly string[];
  /**
   * Synchronous; changes the task's own state. Records of one partition come in offset order, each
   * once.
   * @param logTime the log time that the output records will have; each input record has its own
   */
  process(
    records: readonly LogRecord[],
    logTime: number,
  ): {
    readonly records: readonly OutgoingRecord[];
    /** what the task keeps as positions of other consumers */
    readonly positions?: readonly ConsumerPosition[];
  };
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
  /** Whether it runs within the appends: then every durable record is processed. */
  joined(): boolean;
  /** Why it is stopped; null while it runs. */
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
  /**
   * Forgets the records before `beforeOffset` (at most all that there are), in several
   * transactions: each moves the begin of the partition. If an archive has the topic, the records
   * can still be read; else `begin` follows.
   */
  trim(topic: string, partition: number, beforeOffset: number): Promise<void>;
  /** From now on, records of raw.<source> that were trimmed are read from here. */
  attachArchive(archive: Archive): void;
  /**
   * Where the archive of a topic begins: earlier records were deleted from it. From now on, `begin`
   * says so, and a read of an older offset starts there.
   */
  setHorizon(topic: string, horizon: Horizon): void;
  /** null: the archive has all that was trimmed */
  horizon(topic: string): Horizon | null;
  /** What the log itself still has of a topic, by partition. */
  kept(topic: string): readonly KeptRecords[];
  /** As `offsetsAt`, of the records that the log itself still has. */
  keptOffsetsAt(topic: string, time: number): readonly number[];
}

export interface KeptRecords {
  readonly begin: number;
  readonly end: number;
  /** log time of the oldest record, epoch ms; null: there is none */
  readonly oldest: number | null;
}

/**
 * A partition of the log as the last commit left it. One partition is always the same object, whose
 * `begin` and `end` follow the commits.
 */
export interface LogPartition {
  readonly topic: string;
  readonly partition: number;
  /** the oldest offset that the log itself has */
  readonly begin: number;
  /** whether records below `begin` can be read, from the archive */
  readonly archived: boolean;
  /** next offset to be written */
  readonly end: number;
}

/** The transaction that is being made: nothing of it is durable yet. */
export interface OpenTransaction extends LogTransaction {
  /** Its records of a partition, from `offset` on. */
  after(partition: LogPartition, offset: number): readonly LogRecord[];
}

/** What the log offers to the runner. Calls that return no promise are synchronous. */
export interface TaskHost {
  /** null: no such topic */
  partitions(topic: string): readonly LogPartition[] | null;
  /** committed next offset to read of a consumer; 0 where it never committed */
  position(consumer: string, topic: string, partition: number): number;
  /** Durable records from `offset` on, some at a time; empty at the end. */
  read(partition: LogPartition, offset: number): readonly LogRecord[];
  /** Trimmed records of an archived partition from `offset` on, below its begin; some at a time. */
  readArchived(partition: LogPartition, offset: number): Promise<readonly LogRecord[]>;
  /**
   * Makes one transaction: runs `body`, then `react`, and commits. Where that fails, `undone` is
   * called and the error is thrown; nothing was written.
   */
  commit(body: (transaction: OpenTransaction) => void): void;
}

/** The hooks that the log calls in every transaction, of producers and of tasks. */
export interface TaskRunner {
  /** @throws MR_REFUSED where a task of the same consumer is running */
  run(task: StreamTask): TaskHandle;
  /**
   * Lets every joined task work on what the transaction has appended, and on what the others add.
   */
  react(transaction: OpenTransaction): void;
  /** The transaction is durable. */
  settled(): void;
  /** The transaction failed. */
  undone(): void;
  /** Stops every task. */
  close(): Promise<void>;
}

export type OpenTaskRunner = (host: TaskHost) => TaskRunner;
