/**
 * The registry's event store in KurrentDB: all commits in one stream, one event for each commit
 * (docs/decisions/0021-kurrentdb-one-stream.md).
 *
 *     event type: the command's type; data: { stream, version, command, events, refusal }
 *     position of a commit = the event's revision + 1
 *
 * Positions have no gap, and their order is the stream's. An append that expects the newest
 * revision is a compare-and-set over the whole registry, which guards both `expectedVersion` and
 * `ifHead`. Where it fails, another process has committed: its commits are read, and both are
 * checked again.
 */
import { randomUUID } from 'node:crypto';
import { hasCode, MillraceError } from '#domain/errors.ts';
import {
  type AppendOptions,
  assertUnchanged,
  type Commit,
  type EventStore,
  type NewCommit,
} from '#domain/ports/event-store.ts';
import {
  type CommitBody,
  cachedCommits,
  positionOf,
  revisionOf,
  toCommit,
  toEvent,
} from './cached-commits.ts';
import type { CommitStream } from './commit-stream.ts';
import { follow } from './follow.ts';

const PAGE = 500;
/** Each attempt but the last has lost a race to another process. */
const ATTEMPTS = 200;

const isUnavailable = (error: unknown): boolean => hasCode(error, 'MR_STORE_UNAVAILABLE');

export const kurrentEventStore = (stream: CommitStream): EventStore => {
  const cached = cachedCommits();
  const listeners = new Set<() => void>();
  /** the position that listeners were last called for */
  let announced = 0;
  let stopFollowing: (() => void) | null = null;
  let queue: Promise<unknown> = Promise.resolve();

  const announce = (position: number): void => {
    if (position <= announced) return;
    announced = position;
    for (const listener of [...listeners]) listener();
  };

  /** Reads all new events. @returns the revision of the event with this id, if it is new */
  const catchUp = async (id: string | null = null): Promise<number | null> => {
    let own: number | null = null;
    for (;;) {
      const events = await stream.read(cached.newest() + 1, PAGE);
      for (const event of events) {
        cached.add(event);
        if (event.id === id) own = event.revision;
      }
      if (events.length < PAGE) return own;
    }
  };

  const current = (name: string) => ({
    version: cached.version(name),
    head: positionOf(cached.newest()),
  });

  /** The cache may be out of date: a conflict counts only if it remains after reading on. */
  const assertNoConflict = async (
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
    cached.add(recorded);
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
      await assertNoConflict(name, expectedVersion, options);
      const version = cached.version(name) + events.length;
      // Through JSON, so that the appended and the read commit are equal.
      const body = JSON.parse(
        JSON.stringify({ stream: name, version, command, events, refusal }),
      ) as CommitBody;
      const newest = cached.newest();
      let unanswered: unknown = null;
      const done = await stream.append(toEvent(id, body), newest).catch((error: unknown) => {
        if (!isUnavailable(error)) throw error;
        unanswered = error;
        return false;
      });
      if (done) return appended({ id }, body, newest + 1);
      // An attempt whose answer was lost, or a retry of the client, may have written it.
      const own = await catchUp(id);
      if (own !== null) return appended({ id }, body, own);
      if (unanswered !== null) throw unanswered;
    }
    throw new MillraceError(
      'MR_STORE_UNAVAILABLE',
      `KurrentDB accepted none of ${ATTEMPTS} appends to "${name}": other processes committed first each time, or its reads lag`,
      { store: 'kurrentdb' },
    );
  };

  return {
    /** One after the other: of two concurrent appends of this process one would fail needlessly. */
    append(commit, expectedVersion, options) {
      const turn = queue.then(() => append(commit, expectedVersion, options));
      queue = turn.catch(() => {});
      return turn.then((stored) => {
        announce(stored.position);
        return stored;
      });
    },
    async readStream(name) {
      await catchUp();
      return { version: cached.version(name), events: cached.events(name) };
    },
    readAll: async (position, limit) =>
      (await stream.read(revisionOf(position + 1), limit)).map(toCommit),
    head: async () => positionOf(await stream.newest()),
    onCommit(listener) {
      listeners.add(listener);
      stopFollowing ??= follow(stream, cached.newest(), (revision) =>
        announce(positionOf(revision)),
      );
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
