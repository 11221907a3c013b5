/** A log that can be trimmed: the embedded one (`TransactionalLog`), and Kafka. */
import type { OffsetRange } from '#domain/ports/history.ts';
import type { KeptRecords } from '#domain/ports/stream-task.ts';

type Eventually<T> = T | Promise<T>;

export interface TrimmableLog {
  topics(): Promise<readonly { readonly topic: string }[]>;
  kept(topic: string): Eventually<readonly KeptRecords[]>;
  keptOffsetsAt(topic: string, time: number): Eventually<readonly number[]>;
  /** @param isRead whether all still have read these records; asked last, where others run */
  trim(
    topic: string,
    partition: number,
    beforeOffset: number,
    isRead: () => boolean,
  ): Promise<void>;
  /**
   * How many records it has of these offsets. Absent: each offset has one, unless it was erased.
   */
  count?(topic: string, range: OffsetRange): Promise<number>;
}
