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

export const noTopic = (topic: string): MillraceError =>
  new MillraceError('MR_NOT_FOUND', `The log has no topic "${topic}".`, { topic });

export const unavailable = (
  doing: string,
  brokers: readonly string[],
  error: unknown,
): MillraceError =>
  new MillraceError(
    'MR_LOG_UNAVAILABLE',
    `Kafka at ${brokers.join(', ')} did not answer while ${doing}: ${messageOf(error)}.`,
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

export const withRetries = async <T>(
  retryPolicy: RetryPolicy,
  doing: string,
  work: () => Promise<T>,
): Promise<T> => {
  const deadline = performance.now() + retryPolicy.retryForMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    if (retryPolicy.closed()) throw logClosed();
    try {
      return await work();
    } catch (error) {
      if (error instanceof MillraceError || isBug(error)) throw error;
      if (retryPolicy.closed()) throw logClosed();
      if (performance.now() + pause > deadline)
        throw unavailable(doing, retryPolicy.brokers, error);
      await sleep(pause);
      await retryPolicy.refresh().catch(() => undefined);
    }
  }
};
