/**
 * A member of a consumer group: the members share the topics' partitions.
 *
 * Promises:
 * - The records of a partition come in order, each at least once. After a crash, or when a member
 *   that was taken for dead goes on, a batch may come again: a handler must write absolute values,
 *   or keep the position with what it writes and return it from `onAssigned`.
 * - No batch of an assignment is handled before its `onAssigned` has resolved, nor after its
 *   `onRevoked` was called.
 * - A handler that throws gets the same batch again after a pause; its partition waits meanwhile.
 * - A broker that does not answer is awaited.
 */
import type { LogRecord } from './log.ts';

export interface AssignedPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface StartAt extends AssignedPartition {
  /** next offset to read */
  readonly offset: number;
}

export interface SubscriptionBatch {
  readonly topic: string;
  readonly partition: number;
  /** never empty, in offset order, of committed transactions */
  readonly records: readonly LogRecord[];
  /** the partition's end when this batch was read */
  readonly end: number;
  /** false once the partition may belong to another member */
  readonly current: () => boolean;
}

export interface SubscriptionOptions {
  readonly group: string;
  readonly topics: readonly string[];
  /**
   * 'handler': the handler itself commits positions, e.g. in its transaction; default
   * 'subscription'
   */
  readonly commits?: 'subscription' | 'handler';
  readonly handler: (batch: SubscriptionBatch) => Promise<void>;
  /** The offsets that it returns are where those partitions start, instead of the group's. */
  readonly onAssigned?: (
    partitions: readonly AssignedPartition[],
  ) => Promise<readonly StartAt[] | undefined>;
  readonly onRevoked?: (partitions: readonly AssignedPartition[]) => Promise<void>;
}

export interface Subscription {
  readonly seek: (at: StartAt) => void;
  /** Waits for running handlers and leaves the group. */
  readonly close: () => Promise<void>;
}

export type Subscribe = (options: SubscriptionOptions) => Subscription;
