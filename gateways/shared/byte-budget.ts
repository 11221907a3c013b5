/**
 * Bytes of requests that are being taken in or worked on, over all of them together: each alone is
 * within its limit, and a thousand of them are not. What would go past it is told to come again
 * (MR_OVERLOADED), before anything of it is kept.
 */
import { MillraceError } from '#domain/errors.ts';

export interface ByteBudget {
  readonly limit: number;
  readonly held: () => number;
  /** @returns false where there is no room; then nothing was taken */
  readonly take: (bytes: number) => boolean;
  readonly give: (bytes: number) => void;
}

export const createByteBudget = (limit: number): ByteBudget => {
  let held = 0;
  return {
    limit,
    held: () => held,
    take(bytes) {
      if (held + bytes > limit) return false;
      held += bytes;
      return true;
    },
    give(bytes) {
      held -= bytes;
    },
  };
};

/** Seconds that a client is asked to wait. */
export const RETRY_AFTER_S = 1;

export const overloaded = (what: string, limit: number): MillraceError =>
  new MillraceError(
    'MR_OVERLOADED',
    `${what} take more than ${limit} bytes together: try again shortly`,
    {
      limit,
      retryAfterMs: RETRY_AFTER_S * 1000,
    },
  );
