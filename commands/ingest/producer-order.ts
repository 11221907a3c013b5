/**
 * Idempotent producing with several requests in flight. Each batch has the number of its first
 * event in the producer's own count. Requests may overtake each other, so an early one waits a
 * little for those before it.
 */
import { fail } from '#domain/errors.ts';

export interface ProducerOrder {
  /**
   * The next number expected from a producer, counting batches that are being appended, once it is
   * at least `sequence`.
   * @throws MillraceError MR_PRODUCER_SEQUENCE where what comes before `sequence` does not arrive
   * in time; details.expected says what is next
   */
  readonly turn: (producer: string, sequence: number) => Promise<number>;
  /** The batch up to `next` is being appended. */
  readonly advance: (producer: string, next: number) => void;
  /** The append has failed: the next number is looked up in the log again. */
  readonly reset: (producer: string) => void;
}

/** How long an early batch waits for those before it. */
const EARLY_WAIT_MS = 2_000;
const MAX_CACHED = 10_000;

export const createProducerOrder = (
  committed: (producer: string) => Promise<number>,
): ProducerOrder => {
  const next = new Map<string, number>();
  const waiting = new Map<string, Set<() => void>>();

  const wake = (producer: string): void => {
    for (const resume of waiting.get(producer) ?? []) resume();
  };
  const current = async (producer: string): Promise<number> => {
    const cached = next.get(producer);
    if (cached !== undefined) return cached;
    const stored = await committed(producer);
    if (!next.has(producer)) next.set(producer, stored);
    if (next.size > MAX_CACHED) next.delete(next.keys().next().value as string);
    return next.get(producer) ?? stored;
  };
  const change = (producer: string, ms: number): Promise<void> =>
    new Promise((resolve) => {
      const set = waiting.get(producer) ?? new Set();
      waiting.set(producer, set);
      const resume = (): void => {
        clearTimeout(timer);
        set.delete(resume);
        if (set.size === 0) waiting.delete(producer);
        resolve();
      };
      const timer = setTimeout(resume, ms);
      set.add(resume);
    });

  return {
    async turn(producer, sequence) {
      const deadline = performance.now() + EARLY_WAIT_MS;
      for (let isLookedUp = false; ; ) {
        const expected = await current(producer);
        if (sequence <= expected) return expected;
        if (!isLookedUp) {
          // The batches before it may have gone through another gateway.
          isLookedUp = true;
          const stored = await committed(producer);
          if (stored > (next.get(producer) ?? 0)) next.set(producer, stored);
          continue;
        }
        const left = deadline - performance.now();
        if (left <= 0) {
          return fail(
            'MR_PRODUCER_SEQUENCE',
            `producer "${producer}" sent sequence ${sequence}, and ${expected} is next: send from there`,
            { expected },
          );
        }
        await change(producer, left);
      }
    },
    advance(producer, to) {
      next.set(producer, to);
      wake(producer);
    },
    reset(producer) {
      next.delete(producer);
      wake(producer);
    },
  };
};
