/**
 * Whether the topics are still those that this platform made. Flink, the stores and the history
 * have offsets of a topic, which mean nothing in another topic of the same name. So a topic that
 * was deleted, deleted and created again, or set back is not used any more; others are.
 *
 * Topics are compared by id once a second. A topic whose end goes back is noticed by every read of
 * its end.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '#domain/errors.ts';
import type { TopicIds } from '#domain/ports/topic-ids.ts';
import { isIngestTopic, isRejectedTopic, REGISTRY_TOPIC } from '#domain/ports/topics.ts';
import { UNKNOWN_TOPIC } from '#infra/kafka/kafka-error.ts';
import type { KafkaAddress } from '#infra/kafka/wire/address.ts';
import { openCluster } from '#infra/kafka/wire/cluster.ts';

export interface TopicGuard {
  /** why a topic cannot be used; null: it can */
  readonly problem: (topic: string) => string | null;
  /** topic → why it cannot be used */
  readonly problems: () => ReadonlyMap<string, string>;
  /** @throws MR_DATA_MIXED where a topic cannot be used */
  readonly assert: (topic: string) => void;
  /** Whether its id is recorded: this platform uses it. */
  readonly isKnown: (topic: string) => boolean;
  /** A topic was found or made: its id is recorded, or compared with the recorded one. */
  readonly found: (topic: string, id: string) => Promise<void>;
  /** From now on the topic is not used. */
  readonly refuse: (topic: string, problem: string) => void;
  /** the highest ends seen, by partition */
  readonly ends: (topic: string) => readonly number[];
  /**
   * @param before what `ends` returned before they were asked for
   * @throws MR_DATA_MIXED where an end went back
   */
  readonly sawEnds: (topic: string, before: readonly number[], ends: readonly number[]) => void;
  /** The topic's id in Kafka now; null: there is no such topic. */
  readonly idOf: (topic: string) => Promise<string | null>;
  /** Compares all recorded topics now. */
  readonly check: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface TopicGuardOptions extends KafkaAddress {
  readonly topicIds: TopicIds;
  readonly everyMs?: number;
}

const EVERY_MS = 1_000;
/** A broker's metadata may lack a topic for a moment: it is missing once it was not found twice. */
const AGAIN_MS = 200;

/** No store refers to offsets of these, and Kafka forgets consumers' positions with the topic. */
const isReplaceable = (topic: string): boolean => isIngestTopic(topic) || isRejectedTopic(topic);
/** Workers that run know their positions in the old topic. */
const needsRestart = isIngestTopic;

const REMEDY =
  'Nothing reads or writes it until Kafka has the old topic again: put back its data. If that is lost, define the source or the view under another name.';
const REGISTRY_REMEDY =
  "It shows whether the registry's database is of an earlier time. Put back Kafka's data. If that is lost, stop the gateways and run `millrace stack repair`, which writes the database's commits to the topic again.";

const remedyOf = (topic: string): string =>
  topic === REGISTRY_TOPIC
    ? REGISTRY_REMEDY
    : `What Flink and the stores have of it belongs to the old topic. ${REMEDY}`;

export const mixedTopic = (topic: string, problem: string): MillraceError =>
  new MillraceError('MR_DATA_MIXED', problem, { topic });

export const openTopicGuard = async (options: TopicGuardOptions): Promise<TopicGuard> => {
  const { topicIds, warn, everyMs = EVERY_MS } = options;
  const cluster = openCluster(options);
  const ids = new Map(await topicIds.all());
  /** found by their ids: they end when the old topic is back */
  const replaced = new Map<string, string>();
  const refused = new Map<string, string>();
  const missing = new Set<string>();
  const highest = new Map<string, readonly number[]>();
  let isStarted = false;

  const note = (problems: Map<string, string>, topic: string, problem: string): void => {
    if (problems.get(topic) === problem) return;
    problems.set(topic, problem);
    warn?.(problem);
  };

  const compare = async (topic: string, id: string): Promise<void> => {
    const recorded = ids.get(topic);
    missing.delete(topic);
    if (recorded === undefined || recorded === id) {
      replaced.delete(topic);
      return;
    }
    const what = `The topic ${topic} was deleted and created again: its id is ${id}, and was ${recorded}.`;
    if (!isReplaceable(topic)) return note(replaced, topic, `${what} ${remedyOf(topic)}`);
    if (isStarted && needsRestart(topic))
      return note(
        replaced,
        topic,
        `${what} Nothing reads it until the gateways are started again.`,
      );
    await topicIds.replace(topic, id);
    ids.set(topic, id);
    highest.delete(topic);
    warn?.(`${what} Records that were only in the old topic are lost.`);
  };

  const look = async (): Promise<void> => {
    if (ids.size === 0) return;
    for (const { topic, id, error } of await cluster.describe([...ids.keys()])) {
      if (error === null) await compare(topic, id);
      else if (error !== UNKNOWN_TOPIC || isReplaceable(topic)) continue;
      else if (!missing.has(topic)) missing.add(topic);
      else note(replaced, topic, `The topic ${topic} was deleted. ${remedyOf(topic)}`);
    }
  };
  let looking: Promise<void> = Promise.resolve();
  const check = (): Promise<void> => {
    looking = looking.catch(() => {}).then(look);
    return looking;
  };

  const problem = (topic: string): string | null =>
    replaced.get(topic) ?? refused.get(topic) ?? null;
  const assert = (topic: string): void => {
    if (replaced.size === 0 && refused.size === 0) return;
    const found = problem(topic);
    if (found !== null) throw mixedTopic(topic, found);
  };

  try {
    await check();
    if (missing.size > 0) await sleep(AGAIN_MS).then(check);
  } catch (error) {
    await cluster.close();
    throw error;
  }
  isStarted = true;
  const timer = setInterval(() => void check().catch(() => {}), everyMs).unref();

  return {
    problem,
    problems: () => new Map([...refused, ...replaced]),
    assert,
    isKnown: (topic) => ids.has(topic),
    async found(topic, id) {
      if (!ids.has(topic)) ids.set(topic, await topicIds.record(topic, id));
      await compare(topic, id);
    },
    refuse: (topic, why) => note(refused, topic, `${why} ${REMEDY}`),
    ends: (topic) => highest.get(topic) ?? [],
    sawEnds(topic, before, ends) {
      const back = ends.findIndex((end, partition) => end < (before[partition] ?? 0));
      if (back < 0) {
        const seen = highest.get(topic) ?? [];
        if (ends.some((end, p) => end > (seen[p] ?? -1)))
          highest.set(
            topic,
            ends.map((end, p) => Math.max(end, seen[p] ?? 0)),
          );
        return;
      }
      if (isReplaceable(topic)) return void highest.delete(topic);
      note(
        refused,
        topic,
        `The topic ${topic} went back: partition ${back} ended at ${before[back]}, and now ends at ${ends[back]}. Either it was deleted and created again, or Kafka's data is of an earlier time. ${REMEDY}`,
      );
      void check().catch(() => {});
      assert(topic);
    },
    check,
    async idOf(topic) {
      const [found] = await cluster.describe([topic]);
      return found?.error === null ? found.id : null;
    },
    async close() {
      clearInterval(timer);
      await looking.catch(() => {});
      await cluster.close();
    },
  };
};

/** What a log asks. */
export type LogGuard = Pick<TopicGuard, 'assert' | 'found' | 'ends' | 'sawEnds'>;

/** For a log that is used alone: nothing is compared. */
export const UNGUARDED: LogGuard = {
  assert: () => {},
  found: async () => {},
  ends: () => [],
  sawEnds: () => {},
};
