/**
 * A limit for the bytes of all requests in progress together: each request is within its own limit,
 * but a thousand of them may be too much. A request above the limit is refused (MR_OVERLOADED)
 * before its bytes are kept.
 */
import { MillraceError } from '#domain/errors.ts';

export interface ByteBudget {
  readonly limit: number;
  readonly held: () => number;
  /** @returns false if there is no room; then nothing is held */
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

/** How long a refused client should wait, s. */
export const RETRY_AFTER_S = 1;

export const overloaded = (what: string, limit: number): MillraceError =>
  new MillraceError(
    'MR_OVERLOADED',
    `${what} have more than ${limit} bytes together: try again shortly`,
    {
      limit,
      retryAfterMs: RETRY_AFTER_S * 1000,
    },
  );
