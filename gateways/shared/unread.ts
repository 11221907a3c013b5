/**
 * Answers that clients have not read yet: they wait in this process, and are memory. Each of the
 * connections or streams that carry answers has the caller of its latest request. A caller with too
 * much is refused, and so is everybody while all together have too much. What makes no progress for
 * `unreadMs` is ended.
 */
import type { MillraceError } from '#domain/errors.ts';
import { overloaded } from './byte-budget.ts';
import type { GatewayLimits } from './limits.ts';

const SWEEP_MS = 1_000;
const SUM_MS = 5;

/** What answers are written to. */
export interface Outgoing {
  /** bytes that wait */
  readonly writableLength: number;
  /** bytes written so far, those that wait included; absent: not known */
  readonly bytesWritten?: number;
}

export interface UnreadAnswers<T extends Outgoing> {
  /** From now on its bytes count. */
  readonly open: (outgoing: T) => void;
  readonly close: (outgoing: T) => void;
  /** @param caller of its latest request; undefined: not authenticated */
  readonly assign: (outgoing: T, caller: string | undefined) => void;
  /**
   * Why a request may not be answered now; null: it may.
   * @param essential only the caller's own answers count
   */
  readonly refusal: (caller: string | undefined, essential?: boolean) => MillraceError | null;
  readonly stop: () => void;
}

interface Reader {
  /** bytes that the client had read when it last read any */
  taken: number;
  since: number;
  caller: string | undefined;
}

/** What is open for one authenticated caller. */
interface Caller<T> {
  readonly open: Set<T>;
  /** when the bytes were summed up */
  at: number;
  /** that the caller has not read yet */
  bytes: number;
}

export const watchUnread = <T extends Outgoing>(
  limits: Pick<GatewayLimits, 'unreadBytes' | 'callerUnreadBytes' | 'unreadMs'>,
  end: (outgoing: T) => void,
): UnreadAnswers<T> => {
  const open = new Map<T, Reader>();
  const callers = new Map<string, Caller<T>>();
  let unread = 0;

  const sweep = (): void => {
    const now = performance.now();
    unread = 0;
    for (const [outgoing, reader] of open) {
      const waiting = outgoing.writableLength;
      const taken = (outgoing.bytesWritten ?? 0) - waiting;
      unread += waiting;
      if (waiting === 0 || taken !== reader.taken) {
        reader.taken = taken;
        reader.since = now;
      } else if (now - reader.since > limits.unreadMs) end(outgoing);
    }
  };
  const timer = setInterval(sweep, SWEEP_MS);
  timer.unref();

  /** Summed up at most every few milliseconds: a caller may have many connections and requests. */
  const unreadOf = (name: string): number => {
    const caller = callers.get(name);
    if (caller === undefined) return 0;
    const now = performance.now();
    if (now - caller.at < SUM_MS) return caller.bytes;
    caller.at = now;
    caller.bytes = 0;
    for (const { writableLength } of caller.open) caller.bytes += writableLength;
    return caller.bytes;
  };

  const assign = (outgoing: T, caller: string | undefined): void => {
    const reader = open.get(outgoing);
    if (reader === undefined || reader.caller === caller) return;
    const before = reader.caller === undefined ? undefined : callers.get(reader.caller);
    before?.open.delete(outgoing);
    if (reader.caller !== undefined && before?.open.size === 0) callers.delete(reader.caller);
    reader.caller = caller;
    if (caller === undefined) return;
    const own = callers.get(caller) ?? { open: new Set<T>(), at: 0, bytes: 0 };
    own.open.add(outgoing);
    callers.set(caller, own);
  };

  return {
    open: (outgoing) => void open.set(outgoing, { taken: Number.NaN, since: 0, caller: undefined }),
    close(outgoing) {
      assign(outgoing, undefined);
      open.delete(outgoing);
    },
    assign,
    refusal(caller, essential = false) {
      const own = caller === undefined ? 0 : unreadOf(caller);
      if (own > limits.callerUnreadBytes)
        return overloaded('answers that this caller has not read yet', limits.callerUnreadBytes);
      const most = caller !== undefined && own === 0 ? 2 * limits.unreadBytes : limits.unreadBytes;
      return unread > most && !essential
        ? overloaded('answers that clients have not read yet', limits.unreadBytes)
        : null;
    },
    stop: () => clearInterval(timer),
  };
};
