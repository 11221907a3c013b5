/**
 * Retries until a deadline, with full jitter: each wait is random between 0 and a bound that
 * doubles (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015). Clients that
 * failed together then do not return together.
 */
export interface RetryOptions {
  readonly firstMs: number;
  readonly mostMs: number;
  /** all attempts, the first included */
  readonly tries: number;
}

export const DEFAULT_RETRY: RetryOptions = { firstMs: 20, mostMs: 1000, tries: 6 };

interface RetryDependencies {
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
 * @param call gets the deadline of all attempts together, epoch ms
 * @throws the last error, if it is not temporary, the attempts are used up, or the next one would
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
