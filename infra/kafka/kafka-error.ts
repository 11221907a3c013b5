/** Converts failures of Kafka to errors of the log port, and retries before that. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';
import { isBug, KafkaFailure } from '#infra/kafka/wire/failure.ts';

export const hasType = (error: unknown, ...types: readonly string[]): boolean =>
  error instanceof KafkaFailure && error.types.some((type) => types.includes(type));

export const UNKNOWN_TOPIC = 'UNKNOWN_TOPIC_OR_PARTITION';
/** True if another process has initialized this transactional id. */
export const isFenced = (error: unknown): boolean =>
  hasType(error, 'INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED');

const LOADING = ['COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR'];

/**
 * True for refusals of a broker that does not coordinate this group or transactional id yet. A
 * broker that was just started first reads what it coordinates.
 */
const isLoading = (error: unknown): boolean => hasType(error, ...LOADING);

/**
 * True for refusals after which the same request must be repeated: the coordinator is still writing
 * the markers of the previous transaction, or it is loading.
 */
export const isBusy = (error: unknown): boolean =>
  isLoading(error) || hasType(error, 'CONCURRENT_TRANSACTIONS');

export const noTopic = (topic: string): MillraceError =>
  new MillraceError('MR_NOT_FOUND', `The log has no topic "${topic}".`, { topic });

export const unavailable = (
  doing: string,
  brokers: readonly string[],
  error: unknown,
): MillraceError =>
  new MillraceError(
    'MR_LOG_UNAVAILABLE',
    isLoading(error)
      ? `Kafka at ${brokers.join(', ')} answers, but does not coordinate groups and transactions yet; ${doing} failed: ${messageOf(error)}. Try again when it has loaded its topics __consumer_offsets and __transaction_state; look at its log where that does not end.`
      : `Kafka at ${brokers.join(', ')} did not answer while ${doing}: ${messageOf(error)}.`,
    { brokers },
  );

export interface RetryPolicy {
  readonly brokers: readonly string[];
  /** how long a request is repeated before it fails with MR_LOG_UNAVAILABLE */
  readonly retryForMs: number;
  readonly closed: () => boolean;
  /** reads the cluster's metadata again between two tries */
  readonly refresh: () => Promise<void>;
}

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 400;
export const logClosed = (): MillraceError =>
  new MillraceError('MR_UNAVAILABLE', 'The log is closed.');

/** How long a broker may load what it coordinates. */
const LOADING_MS = 30_000;

/** Whether it is too late to try again, after this pause, what failed with this error. */
export type IsOver = (error: unknown, pauseMs?: number) => boolean;

/**
 * Begins to count. While a coordinator is loading, requests are repeated for longer: the broker is
 * there, and gateways are started beside it. When it has loaded, the usual time begins.
 */
export const countRetries = (
  retryForMs: number,
  clock: () => number = () => performance.now(),
): IsOver => {
  const began = clock();
  let since = began;
  return (error, pauseMs = 0) => {
    const time = clock();
    if (!isLoading(error)) return time + pauseMs - since > retryForMs;
    since = time;
    return time + pauseMs - began > Math.max(retryForMs, LOADING_MS);
  };
};

export const withRetries = async <T>(
  retryPolicy: RetryPolicy,
  doing: string,
  work: () => Promise<T>,
): Promise<T> => {
  const isOver = countRetries(retryPolicy.retryForMs);
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    if (retryPolicy.closed()) throw logClosed();
    try {
      return await work();
    } catch (error) {
      if (error instanceof MillraceError || isBug(error)) throw error;
      if (retryPolicy.closed()) throw logClosed();
      if (isOver(error, pause)) throw unavailable(doing, retryPolicy.brokers, error);
      await sleep(pause);
      await retryPolicy.refresh().catch(() => undefined);
    }
  }
};
