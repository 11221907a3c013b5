/**
 * Refusals of access, stored as commits without events, so that the audit log has them. The first
 * refusal of a kind is written at once; the repetitions within the window are one record with their
 * count, written at its end. Where a window has more kinds than it may hold (an attacker tries
 * addresses or names), the rest is one record too. So failed attempts can fill neither the store
 * nor the memory.
 *
 * A kind is the tuple (principal, actor, command, subject, code).
 */
import type { AccessRefusal } from '#domain/ports/access.ts';
import type { EventStore } from '#domain/ports/event-store.ts';
import { durationText } from '#domain/values/duration.ts';

interface RefusalsDependencies {
  readonly eventStore: Pick<EventStore, 'append'>;
  readonly now: () => number;
  readonly newId: () => string;
  readonly warn: (message: string) => void;
  readonly windowMs?: number;
  /** how many kinds of a window have records of their own */
  readonly kinds?: number;
}

export interface Refusals {
  readonly record: (refusal: AccessRefusal) => void;
  /** Resolves when everything recorded so far is stored, except counts of the open window. */
  readonly written: () => Promise<void>;
  /** Ends the window. */
  readonly flush: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const WINDOW_MS = 60_000;
const KINDS = 60;
/** The longest text of a caller that a record contains, in characters. */
const MAX_TEXT = 180;

interface Repeated {
  readonly refusal: AccessRefusal;
  readonly since: number;
  count: number;
}

const short = (text: string): string =>
  text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;

export const createRefusals = (dependencies: RefusalsDependencies): Refusals => {
  const { eventStore, now, newId, warn, windowMs = WINDOW_MS, kinds = KINDS } = dependencies;
  let seen = new Map<string, Repeated>();
  let others: Repeated | null = null;
  let timer: NodeJS.Timeout | null = null;
  const writing = new Set<Promise<void>>();

  const write = (
    { actor, principal, command, subject, code, message, address }: AccessRefusal,
    data: object = {},
  ): void => {
    const from = address === undefined ? {} : { address };
    const stored = eventStore
      .append(
        {
          stream: short(subject),
          command: {
            id: newId(),
            type: command,
            data: { ...from, ...data },
            actor: short(actor),
            ...(principal === undefined ? {} : { principal: short(principal) }),
            reason: null,
            time: now(),
          },
          events: [],
          refusal: { code, message },
        },
        null,
      )
      .then(
        () => {},
        (error: unknown) =>
          warn(
            `a refusal (${code}, of ${actor}) could not be stored for the audit: ${String(error)}`,
          ),
      )
      .finally(() => writing.delete(stored));
    writing.add(stored);
  };

  const written = async (): Promise<void> => {
    await Promise.all(writing);
  };
  const flush = (): Promise<void> => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const [repeated, rest] = [seen, others];
    seen = new Map();
    others = null;
    const until = now();
    for (const { refusal, count, since } of repeated.values())
      if (count > 0) write(refusal, { repeated: count, since, until });
    if (rest !== null) {
      const message = `${rest.count} refusals of more kinds than are recorded separately within ${durationText(windowMs)}`;
      const { code } = rest.refusal;
      write(
        { actor: 'various', command: 'Refused', subject: 'access/various', code, message },
        { repeated: rest.count, since: rest.since, until },
      );
    }
    return written();
  };

  return {
    record(refusal) {
      timer ??= setTimeout(() => void flush(), windowMs).unref();
      const kind = `${refusal.principal}\n${refusal.actor}\n${refusal.command}\n${refusal.subject}\n${refusal.code}`;
      const repeated = seen.get(kind);
      if (repeated !== undefined) repeated.count++;
      else if (seen.size < kinds) {
        seen.set(kind, { refusal, since: now(), count: 0 });
        write(refusal);
      } else {
        others ??= { refusal, since: now(), count: 0 };
        others.count++;
      }
    },
    written,
    flush,
    close: flush,
  };
};
