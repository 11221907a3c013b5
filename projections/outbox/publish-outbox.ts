/**
 * Copies the event store's commits to the log: in order, without a gap, and once, however many
 * processes do it at the same time.
 *
 * All processes are one producer, whose sequence counts commits: the log accepts commits n+1… only
 * where n is the last that it has, and an append that another process has already made is a
 * duplicate. So no lease is needed, and a process that dies in the middle has written all of an
 * append or nothing. On the log, commit n+1 never comes before commit n. Readers still skip
 * positions that they have seen: logs of earlier versions may contain a commit more than once.
 */
import { hasCode } from '#domain/errors.ts';
import type { Commit, EventStore } from '#domain/ports/event-store.ts';
import type { ConsumerPosition, Log, OutgoingRecord } from '#domain/ports/log.ts';
import { OUTBOX_CONSUMER, REGISTRY_TOPIC } from '#domain/ports/topics.ts';

const CHUNK = 100;
const isOutOfTurn = (error: unknown): boolean => hasCode(error, 'MR_PRODUCER_SEQUENCE');
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 5_000;

export interface Outbox {
  /**
   * Resolves when the commits up to `position` are on the log; rejects when the outbox is stopped
   * before.
   */
  published(position: number): Promise<void>;
  /** The last commit copied. */
  position(): number;
  /** Why the last attempt failed; null after a success. It tries again by itself. */
  error(): Error | null;
  stop(): Promise<void>;
}

/** The consumer's name on the log and the topic that it writes: one producer a pair. */
interface OutboxNames {
  readonly consumer: string;
  readonly topic: string;
}
const REGISTRY: OutboxNames = { consumer: OUTBOX_CONSUMER, topic: REGISTRY_TOPIC };

/**
 * A log of an earlier version has a position and no sequence: the position becomes its sequence.
 */
const copiedSoFar = async (log: Log, { consumer, topic }: OutboxNames): Promise<number> => {
  const producer = { id: consumer, topic };
  const counted = await log.producerSequence(producer.id, producer.topic);
  if (counted > 0) return counted;
  const position = (await log.committed(consumer, topic))[0] ?? 0;
  if (position === 0) return 0;
  await log
    .append({ records: [], producer: { ...producer, sequence: 0, count: position } })
    .catch((error: unknown) => {
      if (!isOutOfTurn(error)) throw error;
    });
  return log.producerSequence(producer.id, producer.topic);
};

/** @param encode the log records of a commit; empty: only the position moves past it */
export const publishOutbox = async (
  eventStore: EventStore,
  log: Log,
  encode: (commit: Commit) => readonly OutgoingRecord[] | Promise<readonly OutgoingRecord[]>,
  names: OutboxNames = REGISTRY,
): Promise<Outbox> => {
  const { consumer, topic } = names;
  const producer = { id: consumer, topic };
  await log.createTopic(topic, { partitions: 1 });
  let copied = await copiedSoFar(log, names);
  let failure: Error | null = null;
  let stopped = false;
  let woken = false;
  let pause = FIRST_PAUSE_MS;
  let timer: NodeJS.Timeout | null = null;
  let copying: Promise<void> | null = null;
  let waiting: {
    readonly position: number;
    readonly resolve: () => void;
    readonly reject: (error: Error) => void;
  }[] = [];

  const reached = (position: number): void => {
    copied = Math.max(copied, position);
    for (const { resolve } of waiting.filter((w) => w.position <= copied)) resolve();
    waiting = waiting.filter((w) => w.position > copied);
  };

  /** @returns whether there may be more to copy */
  const copyChunk = async (): Promise<boolean> => {
    reached(await log.producerSequence(producer.id, producer.topic));
    const from = copied;
    const commits = await eventStore.readAll(from, CHUNK);
    const last = commits.at(-1);
    if (last === undefined) return false;
    const records: OutgoingRecord[] = [];
    for (const commit of commits) records.push(...(await encode(commit)));
    const position: ConsumerPosition = { consumer, topic, partition: 0, offset: last.position };
    try {
      await log.append({
        records,
        positions: [position],
        producer: { ...producer, sequence: from, count: last.position - from },
      });
    } catch (error) {
      // Another process has copied some of these meanwhile: continue after them.
      if (isOutOfTurn(error)) return true;
      throw error;
    }
    reached(last.position);
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
