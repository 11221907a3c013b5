/** Creates, widens and lists topics. */
import { createPartitionsV3, createTopicsV7 } from '@platformatic/kafka';
import { hasType, type RetryPolicy, withRetries } from '#infra/kafka/kafka-error.ts';
import { type TopicOptions, topicConfig } from '#infra/kafka/topic-config.ts';
import type { Cluster, TopicDescription } from '#infra/kafka/wire/cluster.ts';
import { refused } from '#infra/kafka/wire/failure.ts';

export interface KafkaAdmin {
  /** @returns the topic's id */
  createTopic(topic: string, partitions: number): Promise<string>;
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
  const find = async (name: string): Promise<TopicDescription | null> => {
    const [found] = await cluster.describe([name]);
    return found === undefined || found.error !== null ? null : found;
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
  const waitForLeaders = async (name: string): Promise<TopicDescription> => {
    const found = await find(name);
    if (found === null || found.leaders.length === 0 || found.leaders.includes(-1))
      throw refused(`topic "${name}"`, 'LEADER_NOT_AVAILABLE');
    return found;
  };

  return {
    createTopic: (topic, partitions) =>
      withRetries(retryPolicy, `creating topic "${topic}"`, async () => {
        const name = prefix + topic;
        if ((await find(name)) === null) await create(name, topic, partitions);
        const found = await waitForLeaders(name);
        if (found.leaders.length >= partitions) return found.id;
        const wider = { name, count: partitions, assignments: null };
        await cluster.toController(createPartitionsV3.api, [wider], CREATE_TIMEOUT_MS, false);
        const widened = await waitForLeaders(name);
        if (widened.leaders.length < partitions)
          throw refused(`topic "${name}"`, 'LEADER_NOT_AVAILABLE');
        return widened.id;
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
