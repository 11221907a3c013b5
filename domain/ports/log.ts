/**
 * The log: topics with partitions of records, durable and in order, each with the time at which the
 * log accepted it.
 *
 * Promises (each has a test in tests/contracts/log.contract.ts):
 * - `append` is atomic over all its records and positions, and durable when it resolves; after a
 *   crash either all or none of them exist.
 * - Offsets of a partition start at 0 and increase, and log times never go back within a partition.
 *   There may be gaps (Kafka gives a commit's marker an offset, and compaction removes records;
 *   both logs have them where records were erased), so continue at the last record's offset plus
 *   one, and count records, not offsets.
 * - A record is never changed; an erasure leaves a gap. A read sees a prefix of the partition, and
 *   all that was appended before it started. A read that finds nothing is at the end of what can be
 *   read: `end` may lie past the last record, never before it.
 * - `positions` written by an append are those that `committed` returns, from the moment at which
 *   the records of the same append can be read.
 * - A record's headers come back as they were sent, and are absent where none were. Of records that
 *   other programs wrote: the headers that are text.
 * - A producer's batch whose sequence the log already has is not appended again (`duplicate`).
 */
import type { Position } from '#domain/values/value.ts';

/** Headers of a record: the W3C trace context, where the record is traced. */
export type Headers = Readonly<Record<string, string>>;

export interface OutgoingRecord {
  readonly topic: string;
  readonly partition: number;
  /** entity key, subject, or null */
  readonly key: string | null;
  /** Avro binary; its schema id is `schemaId` */
  readonly value: Uint8Array;
  /** negative, only in topics that other programs write to: the value is not framed Avro */
  readonly schemaId: number;
  /**
   * what `value` encodes, for the stream tasks of the same append, which then need not decode it;
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

/**
 * The schema id of a record that was erased: it has no key and no bytes, and keeps its offset. No
 * read gives one; the stream tasks' cursor and the archive see them, to know what is no damage. No
 * schema registry gives out this id: theirs are positive 32-bit integers.
 */
const ERASED = 0xffff_ffff;

export const isErased = ({ schemaId }: Pick<OutgoingRecord, 'schemaId'>): boolean =>
  schemaId === ERASED;

/** What takes the place of a record that is erased. */
export const erasedRecord = (topic: string, partition: number): OutgoingRecord => ({
  topic,
  partition,
  key: null,
  schemaId: ERASED,
  value: new Uint8Array(0),
});

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
   * the latest log time of its records; the embedded log gives them all the same one, Kafka one for
   * each partition
   */
  readonly logTime: number;
  /** the next offset after this append, of every partition that it has written */
  readonly ends: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
  }[];
  /** true: the log already had this batch of the producer; nothing was appended */
  readonly duplicate: boolean;
}

export interface Log {
  /**
   * Whether offsets are given to what is no record, too (Kafka: the marker of each transaction), so
   * that offsets count no records. Absent: only erased records leave gaps.
   */
  readonly hasMarkers?: boolean;
  /** Idempotent. Raises the number of partitions where it is lower; never lowers it. */
  createTopic(topic: string, options: { readonly partitions: number }): Promise<void>;
  topics(): Promise<readonly { readonly topic: string; readonly partitions: number }[]>;
  append(batch: Append): Promise<Appended>;
  /**
   * At most about `maxBytes` of records from `offset` on, in order; empty at the end. Starts at
   * `begin` if the offset is older. What an archive gives may be more than `maxBytes`.
   */
  read(
    topic: string,
    partition: number,
    offset: number,
    maxBytes: number,
  ): Promise<readonly LogRecord[]>;
  /** The oldest offset that can be read, and the next to be written, by partition. */
  begin(topic: string): Promise<readonly number[]>;
  end(topic: string): Promise<readonly number[]>;
  /**
   * By partition, the first offset whose log time is past `time` (epoch ms): events known at `time`
   * have lower offsets.
   */
  offsetsAt(topic: string, time: number): Promise<readonly number[]>;
  /** The next offset to read of a consumer, by partition; 0: it has committed none. */
  committed(consumer: string, topic: string): Promise<readonly number[]>;
  /** The next sequence expected from a producer on a topic; 0: a new producer. */
  producerSequence(producer: string, topic: string): Promise<number>;
  /**
   * Calls back after an append has become durable. It is a hint: only a read shows what was
   * appended. Returns the function that ends the subscription.
   */
  onAppend(listener: (topics: ReadonlySet<string>) => void): () => void;
  close(): Promise<void>;
}

/** Positions as text: `raw.flights@0:123,1:7`. */
export const formatPosition = (topic: string, positions: readonly Position[]): string =>
  `${topic}@${positions.map((p) => `${p.partition}:${p.offset}`).join(',')}`;
