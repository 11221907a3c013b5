/**
 * A producer that may send again without doubling: its events are numbered in its own count, which
 * the server keeps. Batches go one after another; one whose answer was lost is sent again under the
 * same numbers, and is counted once.
 */
import { MillraceError } from '#domain/errors.ts';
import type { Published } from './types.ts';

export interface ProducerDependencies {
  /** the number from which the server expects this producer to go on */
  readonly next: () => Promise<number>;
  readonly send: (events: readonly object[], sequence: number) => Promise<Published>;
}

export interface Producer<Event extends object> {
  /**
   * Resolves once the events are durable; those of the wrong form are in `rejected`. In the order
   * of the calls.
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
      // Whether it was taken is not known: the server is asked before anything else is sent.
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
