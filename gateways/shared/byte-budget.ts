/**
 * A limit for the bytes of all requests in progress together: each request is within its own limit,
 * but a thousand of them may be too much. A request above the limit is refused (MR_OVERLOADED)
 * before its bytes are kept.
 */
import { MillraceError } from '#domain/errors.ts';

export interface ByteBudget {
  readonly limit: number;
  readonly callerLimit: number;
  readonly held: () => number;
  /**
   * @param caller has a budget of its own within that of all; absent: it has not
   * @returns the budget that has no room, and then nothing is held; null: it is held
   */
  readonly take: (bytes: number, caller?: string) => 'all' | 'caller' | null;
  readonly give: (bytes: number, caller?: string) => void;
}

export const createByteBudget = (limit: number, callerLimit = limit): ByteBudget => {
  let held = 0;
  const callers = new Map<string, number>();
  return {
    limit,
    callerLimit,
    held: () => held,
    take(bytes, caller) {
      const own = caller === undefined ? 0 : (callers.get(caller) ?? 0);
      if (caller !== undefined && own + bytes > callerLimit) return 'caller';
      if (held + bytes > limit) return 'all';
      held += bytes;
      if (caller !== undefined) callers.set(caller, own + bytes);
      return null;
    },
    give(bytes, caller) {
      held -= bytes;
      if (caller === undefined) return;
      const left = (callers.get(caller) ?? 0) - bytes;
      if (left > 0) callers.set(caller, left);
      else callers.delete(caller);
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

/** @param full the budget that has no room. @param what `requests`, `messages` */
export const budgetRefusal = (
  { limit, callerLimit }: ByteBudget,
  full: 'all' | 'caller',
  what: string,
): MillraceError =>
  full === 'all'
    ? overloaded(`${what} in flight`, limit)
    : overloaded(`${what} of this caller in flight`, callerLimit);
