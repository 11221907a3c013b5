/**
 * The registry's event store in KurrentDB: all commits in one stream, an event a commit
 * (docs/decisions/0021-kurrentdb-one-stream.md).
 *
 *   event type: the command's data: { stream, version, command, events, refusal }
 *   position of a commit = the event's revision + 1
 *
 * So positions have no gap and the order is the stream's own; and an append that expects the newest
 * revision that was read is one compare-and-set over the whole registry, which guards
 * `expectedVersion` and `ifHead` alike. Where it fails, another process was quicker: its commits
 * are read, and the same is asked of what is there now.
 */
import { randomUUID } from 'node:crypto';
import { MillraceError } from '#domain/errors.ts';
import {
  type AppendOptions,
  assertUnchanged,
  type Commit,
  type EventStore,
  type NewCommit,
} from '#domain/ports/event-store.ts';
import type { CommitStream } from './commit-stream.ts';
import { follow } from './follow.ts';
import {
  type CommitBody,
  knownCommits,
  positionOf,
  revisionOf,
  toCommit,
  toEvent,
} from './known-commits.ts';

const PAGE = 500;
/** Each was lost to a commit of another process. */
const ATTEMPTS = 200;

const isUnavailable = (error: unknown): boolean =>
  error instanceof MillraceError && error.code === 'MR_STORE_UNAVAILABLE';

export const kurrentEventStore = (stream: CommitStream): EventStore => {
  const known = knownCommits();
  const listeners = new Set<() => void>();
  let told = 0;
  let stopFollowing: (() => void) | null = null;
  let queue: Promise<unknown> = Promise.resolve();

  const tell = (position: number): void => {
    if (position <= told) return;
    told = position;
    for (const listener of [...listeners]) listener();
  };

  /**
   * Takes in all that is there. @returns the revision of the event with this id, where it was among
   * what is new
   */
  const catchUp = async (id: string | null = null): Promise<number | null> => {
    let own: number | null = null;
    for (;;) {
      const events = await stream.read(known.newest() + 1, PAGE);
      for (const event of events) {
        known.take(event);
        if (event.id === id) own = event.revision;
      }
      if (events.length < PAGE) return own;
    }
  };

  const current = (name: string) => ({
    version: known.version(name),
    head: positionOf(known.newest()),
  });

  /** What we know may be old: a conflict is one only where what is there now says so too. */
  const assertStands = async (
    name: string,
    expectedVersion: number | null,
    options?: AppendOptions,
  ): Promise<void> => {
    try {
      assertUnchanged(name, current(name), expectedVersion, options);
    } catch {
      await catchUp();
      assertUnchanged(name, current(name), expectedVersion, options);
    }
  };

  const appended = (event: { readonly id: string }, body: CommitBody, revision: number): Commit => {
    const recorded = { ...event, type: body.command.type, revision, data: body };
    known.take(recorded);
    return toCommit(recorded);
  };

  const append = async (
    commit: NewCommit,
    expectedVersion: number | null,
    options?: AppendOptions,
  ): Promise<Commit> => {
    const id = randomUUID();
    const { stream: name, command, events, refusal } = commit;
    for (let n = 1; n <= ATTEMPTS; n++) {
      await assertStands(name, expectedVersion, options);
      const version = known.version(name) + events.length;
      // As JSON has it, so that who appended and who reads have the same.
      const body = JSON.parse(
        JSON.stringify({ stream: name, version, command, events, refusal }),
      ) as CommitBody;
      const newest = known.newest();
      let unsure: unknown = null;
      const done = await stream.append(toEvent(id, body), newest).catch((error: unknown) => {
        if (!isUnavailable(error)) throw error;
        unsure = error;
        return false;
      });
      if (done) return appended({ id }, body, newest + 1);
      // It may have been written by an attempt whose answer was lost: by our own, or by one that
      // the client made for us.
      const own = await catchUp(id);
      if (own !== null) return appended({ id }, body, own);
      if (unsure !== null) throw unsure;
    }
    throw new MillraceError(
      'MR_STORE_UNAVAILABLE',
      `KurrentDB took none of ${ATTEMPTS} appends to "${name}": other processes were quicker each time, or it does not show what it has`,
      { store: 'kurrentdb' },
    );
  };

  return {
    /** One after the other: of two at once from here, one would lose to the other for nothing. */
    append(commit, expectedVersion, options) {
      const turn = queue.then(() => append(commit, expectedVersion, options));
      queue = turn.catch(() => {});
      return turn.then((stored) => {
        tell(stored.position);
        return stored;
      });
    },
    async readStream(name) {
      await catchUp();
      return { version: known.version(name), events: known.events(name) };
    },
    readAll: async (position, limit) =>
      (await stream.read(revisionOf(position + 1), limit)).map(toCommit),
    head: async () => positionOf(await stream.newest()),
    onCommit(listener) {
      listeners.add(listener);
      stopFollowing ??= follow(stream, known.newest(), (revision) => tell(positionOf(revision)));
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        stopFollowing?.();
        stopFollowing = null;
      };
    },
    async close() {
      listeners.clear();
      stopFollowing?.();
      stopFollowing = null;
      await queue;
      await stream.close();
    },
  };
};
