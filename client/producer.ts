/**
 * A producer with safe retries: it numbers its events, and the server stores the next number.
 * Batches are sent one after another. A batch whose answer was lost is sent again with the same
 * numbers, and its events are counted once.
 */
import { MillraceError } from '#domain/errors.ts';
import type { Published } from './types.ts';

interface ProducerDependencies {
  /** the next number that the server expects of this producer */
  readonly next: () => Promise<number>;
  readonly send: (events: readonly object[], sequence: number) => Promise<Published>;
}

export interface Producer<Event extends object> {
  /**
   * Resolves when the events are durable, in the order of the calls. Invalid ones are `rejected`.
   */
  readonly publish: (events: readonly Event[]) => Promise<Published>;
}

export const createProducer = <Event extends object>({
  next,
  send,
}: ProducerDependencies): Producer<Event> => {
  let sequence: number | null = null;
  let last: Promise<unknown> = Promise.resolve();

  const publishNow = async (events: readonly Event[]): Promise<Published> => {
    sequence ??= await next();
    try {
      const published = await send(events, sequence);
      sequence += events.length;
      return published;
    } catch (error) {
      // The batch may have been accepted: read the next number before sending more.
      if (!(error instanceof MillraceError) || error.status >= 500) sequence = null;
      throw error;
    }
  };

  return {
    publish(events) {
      const published = last.then(() => publishNow(events));
      last = published.catch(() => {});
      return published;
    },
  };
};
