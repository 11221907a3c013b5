/**
 * Copies the event store's commits to the log, in order, without a gap. Its own position (the last commit copied) is written by
 * the very append that carries the commit's records, so each commit is on the log exactly once wherever the log's promise holds
 * that positions and records of one append stand or fall together; at least once anywhere else.
 */
import type { Commit, EventStore } from '#domain/ports/event-store.ts';
import type { ConsumerPosition, Log, OutgoingRecord } from '#domain/ports/log.ts';

export const OUTBOX_CONSUMER = 'registry-outbox';
export const OUTBOX_TOPIC = 'registry';

const CHUNK = 100;
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 5_000;

export interface Outbox {
  /** Resolves when the commits up to `position` are on the log; rejects when the outbox is stopped before. */
  published(position: number): Promise<void>;
  /** The last commit copied. */
  position(): number;
  /** Why the last attempt failed; null while all is well. It tries again by itself. */
  error(): Error | null;
  stop(): Promise<void>;
}

/** @param encode the log records of a commit; empty: nothing to tell (the position still moves past it) */
export const publishOutbox = async (
  eventStore: EventStore,
  log: Log,
  encode: (commit: Commit) => readonly OutgoingRecord[] | Promise<readonly OutgoingRecord[]>,
): Promise<Outbox> => {
  await log.createTopic(OUTBOX_TOPIC, { partitions: 1 });
  let copied = (await log.committed(OUTBOX_CONSUMER, OUTBOX_TOPIC))[0] ?? 0;
  let failure: Error | null = null;
  let stopped = false;
  let woken = false;
  let pause = FIRST_PAUSE_MS;
  let timer: NodeJS.Timeout | null = null;
  let copying: Promise<void> | null = null;
  let waiting: { readonly position: number; readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];

  const copyChunk = async (): Promise<boolean> => {
    const commits = await eventStore.readAll(copied, CHUNK);
    const last = commits.at(-1);
    if (last === undefined) return false;
    const records: OutgoingRecord[] = [];
    for (const commit of commits) records.push(...(await encode(commit)));
    const position: ConsumerPosition = { consumer: OUTBOX_CONSUMER, topic: OUTBOX_TOPIC, partition: 0, offset: last.position };
    await log.append({ records, positions: [position] });
    copied = last.position;
    for (const { resolve } of waiting.filter((w) => w.position <= copied)) resolve();
    waiting = waiting.filter((w) => w.position > copied);
    return true;
  };

  const copyAll = async (): Promise<void> => {
    try {
      while (woken && !stopped) {
        woken = false;
        while (!stopped && (await copyChunk()));
      }
      failure = null;
      pause = FIRST_PAUSE_MS;
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      if (!stopped) timer = setTimeout(wake, pause);
      pause = Math.min(MAX_PAUSE_MS, pause * 2);
    }
  };

  const wake = (): void => {
    woken = true;
    if (copying !== null || stopped) return;
    copying = copyAll().finally(() => {
      copying = null;
      if (woken && failure === null) wake();
    });
  };

  const unsubscribe = eventStore.onCommit(wake);
  wake();

  return {
    published: (position) => {
      if (position <= copied) return Promise.resolve();
      return new Promise((resolve, reject) => waiting.push({ position, resolve, reject }));
    },
    position: () => copied,
    error: () => failure,
    async stop() {
      stopped = true;
      unsubscribe();
      if (timer !== null) clearTimeout(timer);
      await copying;
      for (const { reject } of waiting.splice(0)) reject(new Error('The outbox was stopped.'));
    },
  };
};
