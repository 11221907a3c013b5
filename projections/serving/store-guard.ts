/**
 * A store with a budget: a read is answered in time or given up, and a store that has failed
 * several times in a row is left alone.
 *
 *   closed every read asks; `failures` failed ones open it, each begun after the one before had
 *   failed: reads that hang together are one
 *   open no read asks, none waits; every `restMs` the read that comes is asked beside, for nobody:
 *   answered in time, it closes
 *
 * So a store that hangs costs its budget a few times, not at every read, and who reads while it is
 * down does not pay for finding out.
 */
import type { OnlineStore, TilesAnswer, TilesTarget } from '#domain/ports/online-store.ts';

export type Unanswered = 'down' | 'slow';

export interface StoreBudget {
  /** of one read, ms; a read of many entities has as much again for each 500 */
  readonly budgetMs: number;
  readonly failures?: number;
  readonly restMs?: number;
}

export interface GuardedStore {
  readonly read: (
    target: TilesTarget,
    keys: readonly string[],
    at: number,
  ) => Promise<readonly TilesAnswer[] | Unanswered> | Unanswered;
  /** why it is left alone; null: it is asked */
  readonly state: () => Unanswered | null;
}

const KEYS_A_BUDGET = 500;
const FAILURES = 3;
const REST_MS = 500;

/** The work's outcome, or `slow` once the budget is over. */
const within = (
  work: Promise<readonly TilesAnswer[]>,
  ms: number,
): Promise<readonly TilesAnswer[] | Unanswered> =>
  new Promise((resolve) => {
    // Where it is we who were busy, the answer may lie in the socket: it is looked for once more.
    const timer = setTimeout(() => setImmediate(resolve, 'slow'), ms);
    const settle = (outcome: readonly TilesAnswer[] | Unanswered): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    work.then(settle, () => settle('down'));
  });

export const guardStore = (
  store: OnlineStore,
  { budgetMs, failures = FAILURES, restMs = REST_MS }: StoreBudget,
  now: () => number = () => performance.now(),
): GuardedStore => {
  let failed = 0;
  let failedAt = Number.NEGATIVE_INFINITY;
  let left: Unanswered | null = null;
  let askAgainAt = 0;

  const ask = async (
    target: TilesTarget,
    keys: readonly string[],
    at: number,
  ): Promise<readonly TilesAnswer[] | Unanswered> => {
    const begun = now();
    const outcome = await within(
      store.read(target, keys, at),
      budgetMs * (1 + Math.floor(keys.length / KEYS_A_BUDGET)),
    );
    if (typeof outcome !== 'string') {
      failed = 0;
      left = null;
      return outcome;
    }
    if (begun >= failedAt) {
      failed++;
      failedAt = now();
    }
    if (failed < failures) return outcome;
    left = outcome;
    askAgainAt = now() + restMs;
    return outcome;
  };

  return {
    read(target, keys, at) {
      if (left === null) return ask(target, keys, at);
      if (now() >= askAgainAt) {
        askAgainAt = Number.POSITIVE_INFINITY;
        void ask(target, keys, at);
      }
      return left;
    },
    state: () => left,
  };
};
