/**
 * Tries again what may be tried again, until a deadline, with waits of full jitter: random between
 * 0 and a bound that doubles (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog,
 * 2015), so that clients that failed together do not come back together.
 */
export interface RetryOptions {
  readonly firstMs: number;
  readonly mostMs: number;
  /** tries in all */
  readonly tries: number;
}

export const DEFAULT_RETRY: RetryOptions = { firstMs: 20, mostMs: 1000, tries: 6 };

export interface RetryDependencies {
  readonly now: () => number;
  /** from 0 to 1 */
  readonly random: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

const REAL: RetryDependencies = {
  now: Date.now,
  random: Math.random,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/**
 * @param call told of the deadline (epoch ms) that it shares with all tries
 * @throws the last error, where it may not be tried again, the tries are used up, or the next would
 * begin after the deadline
 */
export const withRetries = async <T>(
  call: (deadline: number) => Promise<T>,
  mayRetry: (error: unknown) => boolean,
  deadlineMs: number,
  { firstMs, mostMs, tries }: RetryOptions = DEFAULT_RETRY,
  { now, random, sleep }: RetryDependencies = REAL,
): Promise<T> => {
  const deadline = now() + deadlineMs;
  for (let tried = 1; ; tried++) {
    try {
      return await call(deadline);
    } catch (error) {
      const wait = random() * Math.min(mostMs, firstMs * 2 ** (tried - 1));
      if (!mayRetry(error) || tried >= tries || now() + wait >= deadline) throw error;
      await sleep(wait);
    }
  }
};
