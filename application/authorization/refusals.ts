/**
 * Refusals of access, stored as commits without events, so that the audit log has them. The first
 * refusal of a kind is written at once; the repetitions within the window are one record with their
 * count, written at its end.
 *
 * Refusals before authentication and those of authenticated principals are counted apart, so that a
 * caller without a key cannot hide the refusals of one with a key, and no principal those of
 * another. Each address has room for a few kinds, and the window for some addresses; each principal
 * has room of its own. What has no room is one record for its address or principal, and one for all
 * further addresses. So failed attempts can fill neither the store nor the memory.
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
  /** how many kinds of a principal have records of their own in a window */
  readonly kinds?: number;
  /** the same of an address, before authentication */
  readonly kindsOfAddress?: number;
  /** how many addresses have room of their own in a window */
  readonly addresses?: number;
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
const KINDS_OF_ADDRESS = 5;
const ADDRESSES = 20;
/** Room for what has none of its own: that of all further addresses. */
const FURTHER = 'further addresses';
/** The longest text of a caller that a record contains, in characters. */
const MAX_TEXT = 180;

interface Repeated {
  readonly refusal: AccessRefusal;
  readonly since: number;
  count: number;
}

/** The kinds of one principal or address in the window. */
interface Room {
  readonly kinds: number;
  readonly seen: Map<string, Repeated>;
  /** what is not recorded by its kind */
  others: Repeated | null;
}

const short = (text: string): string =>
  text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;

export const createRefusals = (dependencies: RefusalsDependencies): Refusals => {
  const { eventStore, now, newId, warn, windowMs = WINDOW_MS, kinds = KINDS } = dependencies;
  const { kindsOfAddress = KINDS_OF_ADDRESS, addresses = ADDRESSES } = dependencies;
  /** by principal */
  let principals = new Map<string, Room>();
  /** before authentication, by address */
  let before = new Map<string, Room>();
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
  const roomIn = (rooms: Map<string, Room>, name: string, size: number): Room => {
    const found = rooms.get(name) ?? { kinds: size, seen: new Map(), others: null };
    rooms.set(name, found);
    return found;
  };
  const roomOf = ({ principal, address, beforeAuthentication }: AccessRefusal): Room => {
    if (principal !== undefined && beforeAuthentication !== true)
      return roomIn(principals, principal, kinds);
    const name = address ?? '';
    const full = before.size >= addresses && !before.has(name);
    return full ? roomIn(before, FURTHER, 0) : roomIn(before, name, kindsOfAddress);
  };
  const writeRoom = ([name, { seen, others }]: readonly [string, Room], until: number): void => {
    for (const { refusal, count, since } of seen.values())
      if (count > 0) write(refusal, { repeated: count, since, until });
    if (others === null) return;
    const { refusal, count, since } = others;
    const { code, principal, beforeAuthentication, address } = refusal;
    const message = `${count} refusals of more kinds than are recorded separately within ${durationText(windowMs)}`;
    const one =
      principal !== undefined && beforeAuthentication !== true
        ? { actor: refusal.actor, principal, subject: principal }
        : name === FURTHER || address === undefined
          ? { actor: 'various', subject: 'access/various' }
          : { actor: 'various', subject: `address/${address}`, address };
    write({ ...one, command: 'Refused', code, message }, { repeated: count, since, until });
  };
  const flush = (): Promise<void> => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const rooms = [...principals, ...before];
    principals = new Map();
    before = new Map();
    const until = now();
    for (const room of rooms) writeRoom(room, until);
    return written();
  };

  return {
    record(refusal) {
      timer ??= setTimeout(() => void flush(), windowMs).unref();
      const room = roomOf(refusal);
      const { principal, actor, command, subject, code } = refusal;
      const kind = [principal, actor, command, subject, code].join('\n');
      const repeated = room.seen.get(kind);
      if (repeated !== undefined) repeated.count++;
      else if (room.seen.size < room.kinds) {
        room.seen.set(kind, { refusal, since: now(), count: 0 });
        write(refusal);
      } else {
        room.others ??= { refusal, since: now(), count: 0 };
        room.others.count++;
      }
    },
    written,
    flush,
    close: flush,
  };
};
