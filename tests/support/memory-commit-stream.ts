/**
 * A stream of commits in memory, with the rules of KurrentDB that the event store relies on: an
 * append expects the newest revision; the same event appended again at the same place is accepted;
 * subscriptions are called later. Several stores on one stream act as several processes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '#domain/errors.ts';
import {
  type CommitStream,
  EMPTY,
  type RecordedStreamEvent,
} from '#infra/kurrent/commit-stream.ts';

interface MemoryCommitStream {
  readonly open: () => CommitStream;
  readonly events: readonly RecordedStreamEvent[];
  /** The answer of the next append is lost; the event is written, or not. */
  readonly loseAnswer: (written: boolean) => void;
  /** Ends all subscriptions, as a server that restarts does. */
  readonly cutSubscriptions: () => void;
  readonly subscriptions: () => number;
}

interface Subscription {
  readonly onRevision: (revision: number) => void;
  readonly onLost: () => void;
}

export const memoryCommitStream = (): MemoryCommitStream => {
  const events: RecordedStreamEvent[] = [];
  const subscriptions = new Set<Subscription>();
  let losing: { readonly written: boolean } | null = null;

  const open = (): CommitStream => ({
    async append(event, newest) {
      await sleep(Math.random());
      const lost = losing;
      losing = null;
      if (lost?.written !== false) {
        const behind = events[newest + 1];
        if (behind !== undefined && behind.id !== event.id) return false;
        if (newest >= events.length) return false;
        if (behind === undefined) {
          // A server stores bytes, not our object.
          events.push({
            ...event,
            data: JSON.parse(JSON.stringify(event.data)),
            revision: events.length,
          });
          for (const { onRevision } of [...subscriptions])
            setTimeout(onRevision, Math.random() * 3, events.length - 1);
        }
      }
      if (lost !== null)
        throw new MillraceError('MR_STORE_UNAVAILABLE', 'no answer', { store: 'kurrentdb' });
      return true;
    },
    async read(revision, limit) {
      await sleep(Math.random());
      return events.slice(revision, revision + limit);
    },
    newest: async () => (events.length === 0 ? EMPTY : events.length - 1),
    subscribe(after, onRevision, onLost) {
      const subscription = { onRevision, onLost };
      subscriptions.add(subscription);
      for (let revision = after + 1; revision < events.length; revision++)
        setTimeout(onRevision, 0, revision);
      return () => subscriptions.delete(subscription);
    },
    close: async () => {},
  });

  return {
    open,
    events,
    loseAnswer: (written) => {
      losing = { written };
    },
    cutSubscriptions() {
      const cut = [...subscriptions];
      subscriptions.clear();
      for (const { onLost } of cut) onLost();
    },
    subscriptions: () => subscriptions.size,
  };
};
