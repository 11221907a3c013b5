/**
 * The log: topics of partitions of records, durable, in order, with the time at which the log took
 * each.
 *
 * Promises (each has a test in tests/contracts/log.contract.ts):
 * - `append` is atomic over all its records and positions, and durable when it resolves; after a
 *   crash either all or none is there.
 * - Offsets of a partition start at 0 and increase, and log times never go back within a partition.
 *   There may be gaps (Kafka gives a commit's marker an offset, and compaction takes records away),
 *   so go on from the last record's offset plus one, and count records, not offsets. The embedded
 *   log has none.
 * - A record is never changed. A read sees a prefix of the partition, and all that was appended
 *   before it started. A read that finds nothing is at the end of what can be read: `end` may lie
 *   past the last record, never before it.
 * - `positions` written by an append are those that `committed` returns, in step with the records
 *   of the same append.
 * - A record's headers come back as they were sent, and are absent where none were. Of other hands'
 *   records: those that are text.
 * - A producer's batch with a sequence that was already taken is not appended again (`duplicates`
 *   counts its records).
 */
import type { Position } from '#domain/values/value.ts';

/**
 * Beside a record's value, for whoever carries it on: W3C trace context, where the record is
 * traced.
 */
export type Headers = Readonly<Record<string, string>>;

export interface OutgoingRecord {
  readonly topic: string;
  readonly partition: number;
  /** entity key, subject, or null */
  readonly key: string | null;
  /** Avro binary; its schema id is `schemaId` */
  readonly value: Uint8Array;
  /**
   * negative, in reads of topics that others write to: the value is no framed Avro but the record's
   * bytes as they are
   */
  readonly schemaId: number;
  /**
   * what `value` encodes, handed to the tasks of the same append so that they need not decode it;
   * never stored, absent from reads
   */
  readonly decoded?: unknown;
  /** never empty */
  readonly headers?: Headers;
}

export interface LogRecord extends OutgoingRecord {
  readonly offset: number;
  /** epoch ms */
  readonly logTime: number;
}

export interface ConsumerPosition {
  readonly consumer: string;
  readonly topic: string;
  readonly partition: number;
  /** next offset to read */
  readonly offset: number;
}

export interface Append {
  readonly records: readonly OutgoingRecord[];
  readonly positions?: readonly ConsumerPosition[];
  /**
   * idempotent producing: `sequence` is the number of the first record of this batch in the
   * producer's own count
   */
  readonly producer?: {
    readonly id: string;
    readonly topic: string;
    readonly sequence: number;
    readonly count: number;
  };
}

export interface Appended {
  /**
   * the latest log time among its records: the embedded log gives all of them one, Kafka one a
   * partition
   */
  readonly logTime: number;
  /**
   * where each topic's partitions end after this append (next offsets), for the partitions written
   */
  readonly ends: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
  }[];
  /** true: the producer had sent this batch before, nothing was appended */
  readonly duplicate: boolean;
}

export interface Log {
  /** Idempotent. Raises the number of partitions if asked for more; never lowers it. */
  createTopic(topic: string, options: { readonly partitions: number }): Promise<void>;
  topics(): Promise<readonly { readonly topic: string; readonly partitions: number }[]>;
  append(batch: Append): Promise<Appended>;
  /**
   * At most about `maxBytes` of records from `offset` on, in order; empty at the end. Starts at
   * `begin` if the offset is older.
   */
  read(
    topic: string,
    partition: number,
    offset: number,
    maxBytes: number,
  ): Promise<readonly LogRecord[]>;
  /** The oldest offset kept, and the next to be written, by partition. */
  begin(topic: string): Promise<readonly number[]>;
  end(topic: string): Promise<readonly number[]>;
  /**
   * By partition, the first offset whose log time is past `time` (epoch ms): what was known at
   * `time` lies below.
   */
  offsetsAt(topic: string, time: number): Promise<readonly number[]>;
  /** Next offset to read of a consumer, by partition (0 where it never committed). */
  committed(consumer: string, topic: string): Promise<readonly number[]>;
  /** The next sequence expected from a producer on a topic; 0 for one never seen. */
  producerSequence(producer: string, topic: string): Promise<number>;
  /**
   * Called after an append became durable (a hint: read to learn what). Returns the unsubscribe
   * function.
   */
  onAppend(listener: (topics: ReadonlySet<string>) => void): () => void;
  close(): Promise<void>;
}

/** The smallest log position at which all of `positions` has been read. */
export const formatPosition = (topic: string, positions: readonly Position[]): string =>
  `${topic}@${positions.map((p) => `${p.partition}:${p.offset}`).join(',')}`;
