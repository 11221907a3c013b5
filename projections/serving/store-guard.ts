/**
 * A circuit breaker around a store. A read is answered within its timeout or given up.
 *
 * - Closed: every read goes to the store. `failures` failed reads in a row open the breaker; a read
 *   counts only if it began after the one before had failed, so reads that hang together count
 *   once.
 * - Open: reads do not go to the store and do not wait. Every `restMs` one of them is repeated in
 *   the background as a probe; a probe that is answered in time closes the breaker.
 *
 * So a store that hangs costs its timeout a few times, and not at every read.
 */
import type { OnlineStore, TilesAnswer, TilesTarget } from '#domain/ports/online-store.ts';

export type Unanswered = 'down' | 'slow';

export interface StoreTimeout {
  /** of one read, ms; each further 500 entities add as much again */
  readonly timeoutMs: number;
  readonly failures?: number;
  readonly restMs?: number;
}

interface GuardedStore {
  readonly read: (
    target: TilesTarget,
    keys: readonly string[],
    at: number,
  ) => Promise<readonly TilesAnswer[] | Unanswered> | Unanswered;
  /** why the breaker is open; null: it is closed */
  readonly state: () => Unanswered | null;
}

const KEYS_PER_TIMEOUT = 500;
const FAILURES = 3;
const REST_MS = 500;

/** The outcome of `work`, or `slow` after the timeout. */
const within = (
  work: Promise<readonly TilesAnswer[]>,
  ms: number,
): Promise<readonly TilesAnswer[] | Unanswered> =>
  new Promise((resolve) => {
    // If this process was busy, the answer may be in the socket: one more turn of the loop reads
    // it.
    const timer = setTimeout(() => setImmediate(resolve, 'slow'), ms);
    const settle = (outcome: readonly TilesAnswer[] | Unanswered): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    work.then(settle, () => settle('down'));
  });

export const guardStore = (
  store: OnlineStore,
  { timeoutMs, failures = FAILURES, restMs = REST_MS }: StoreTimeout,
  now: () => number = () => performance.now(),
): GuardedStore => {
  let failed = 0;
  let failedAt = Number.NEGATIVE_INFINITY;
  /** why the breaker is open; null: it is closed */
  let open: Unanswered | null = null;
  let probeAt = 0;

  const readStore = async (
    target: TilesTarget,
    keys: readonly string[],
    at: number,
  ): Promise<readonly TilesAnswer[] | Unanswered> => {
    const begun = now();
    const outcome = await within(
      store.read(target, keys, at),
      timeoutMs * (1 + Math.floor(keys.length / KEYS_PER_TIMEOUT)),
    );
    if (typeof outcome !== 'string') {
      failed = 0;
      open = null;
      return outcome;
    }
    if (begun >= failedAt) {
      failed++;
      failedAt = now();
    }
    if (failed < failures) return outcome;
    open = outcome;
    probeAt = now() + restMs;
    return outcome;
  };

  return {
    read(target, keys, at) {
      if (open === null) return readStore(target, keys, at);
      if (now() >= probeAt) {
        probeAt = Number.POSITIVE_INFINITY;
        void readStore(target, keys, at);
      }
      return open;
    },
    state: () => open,
  };
};
