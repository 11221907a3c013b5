/** Creates, widens and lists topics. */
import { createPartitionsV3, createTopicsV7 } from '@platformatic/kafka';
import { hasType, type RetryPolicy, withRetries } from '#infra/kafka/kafka-error.ts';
import { type TopicOptions, topicConfig } from '#infra/kafka/topic-config.ts';
import type { Cluster } from '#infra/kafka/wire/cluster.ts';
import { refused } from '#infra/kafka/wire/failure.ts';

export interface KafkaAdmin {
  createTopic(topic: string, partitions: number): Promise<void>;
  topics(): Promise<readonly { readonly topic: string; readonly partitions: number }[]>;
}

/** How long a broker may take to create a topic. */
const CREATE_TIMEOUT_MS = 8_000;
const BROKER_DEFAULT = -1;

export const kafkaAdmin = (
  cluster: Cluster,
  retryPolicy: RetryPolicy,
  prefix: string,
  options: TopicOptions,
): KafkaAdmin => {
  const leadersOf = async (name: string): Promise<readonly number[] | null> => {
    const [found] = await cluster.describe([name]);
    return found === undefined || found.error !== null ? null : found.leaders;
  };

  const create = async (name: string, topic: string, partitions: number): Promise<void> => {
    const configs = Object.entries(topicConfig(topic, options));
    const description = {
      name,
      numPartitions: partitions,
      replicationFactor: options.replicationFactor ?? BROKER_DEFAULT,
      assignments: [],
      configs: configs.map(([key, value]) => ({ name: key, value })),
    };
    try {
      await cluster.toController(createTopicsV7.api, [description], CREATE_TIMEOUT_MS, false);
    } catch (error) {
      if (!hasType(error, 'TOPIC_ALREADY_EXISTS')) throw error;
    }
  };

  /** A broker's metadata may lack a topic that was created a moment ago. */
  const waitForLeaders = async (name: string): Promise<readonly number[]> => {
    const leaders = await leadersOf(name);
    if (leaders === null || leaders.length === 0 || leaders.includes(-1))
      throw refused(`topic "${name}"`, 'LEADER_NOT_AVAILABLE');
    return leaders;
  };

  return {
    createTopic: (topic, partitions) =>
      withRetries(retryPolicy, `creating topic "${topic}"`, async () => {
        const name = prefix + topic;
        if ((await leadersOf(name)) === null) await create(name, topic, partitions);
        if ((await waitForLeaders(name)).length >= partitions) return;
        const wider = { name, count: partitions, assignments: null };
        await cluster.toController(createPartitionsV3.api, [wider], CREATE_TIMEOUT_MS, false);
        if ((await waitForLeaders(name)).length < partitions)
          throw refused(`topic "${name}"`, 'LEADER_NOT_AVAILABLE');
      }),
    topics: () =>
      withRetries(retryPolicy, 'listing topics', async () => {
        const all = await cluster.describe(null);
        return all
          .filter(({ topic, error }) => error === null && topic.startsWith(prefix))
          .map(({ topic, leaders }) => ({
            topic: topic.slice(prefix.length),
            partitions: leaders.length,
          }))
          .filter(({ topic }) => isOurs(topic));
      }),
  };
};

/** True for topics of the log: neither Kafka's own nor the log's internal ones. */
const isOurs = (topic: string): boolean => !topic.startsWith('_');
