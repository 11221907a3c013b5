/** Topics made and listed: kafkajs's admin client, opened when first needed. */
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { hasType, withRetries } from '#infra/kafka/kafka-error.ts';
import { type KafkaAddress, logCreator } from '#infra/kafka/raw-cluster.ts';
import { type TopicOptions, topicConfig } from '#infra/kafka/topic-config.ts';

export interface KafkaAdmin {
  createTopic(topic: string, partitions: number): Promise<void>;
  topics(): Promise<readonly { readonly topic: string; readonly partitions: number }[]>;
  close(): Promise<void>;
}

export const kafkaClient = ({ brokers, clientId, warn, sockets }: KafkaAddress): Kafka =>
  new Kafka({
    brokers: [...brokers],
    clientId,
    ...(sockets === undefined ? {} : { socketFactory: sockets }),
    logLevel: logLevel.WARN,
    logCreator: logCreator(warn),
    retry: { retries: 2, initialRetryTime: 50, maxRetryTime: 400 },
  });

export const kafkaAdmin = (
  address: KafkaAddress,
  prefix: string,
  options: TopicOptions,
  retryForMs: number,
): KafkaAdmin => {
  const admin: Admin = kafkaClient(address).admin();
  let connected: Promise<void> | null = null;
  let closed = false;
  const retryPolicy = {
    brokers: address.brokers,
    retryForMs,
    closed: () => closed,
    refresh: async () => {
      connected = null;
    },
  };

  const ask = <T>(doing: string, work: () => Promise<T>): Promise<T> =>
    withRetries(retryPolicy, doing, async () => {
      connected ??= admin.connect();
      await connected;
      return work();
    });

  const partitionsOf = async (topic: string): Promise<number> => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics[0]?.partitions.length ?? 0;
  };

  const make = async (topic: string, partitions: number): Promise<void> => {
    try {
      await admin.createTopics({
        waitForLeaders: true,
        topics: [
          {
            topic: prefix + topic,
            numPartitions: partitions,
            replicationFactor: options.replicationFactor ?? -1,
            configEntries: Object.entries(topicConfig(topic, options)).map(([name, value]) => ({
              name,
              value,
            })),
          },
        ],
      });
    } catch (error) {
      if (!hasType(error, 'TOPIC_ALREADY_EXISTS')) throw error;
    }
  };

  return {
    createTopic: (topic, partitions) =>
      ask(`making topic "${topic}"`, async () => {
        const name = prefix + topic;
        const made = (await admin.listTopics()).includes(name);
        if (!made) await make(topic, partitions);
        if ((await partitionsOf(name)) >= partitions) return;
        await admin.createPartitions({ topicPartitions: [{ topic: name, count: partitions }] });
      }),
    topics: () =>
      ask('listing topics', async () => {
        const names = (await admin.listTopics()).filter(
          (name) => name.startsWith(prefix) && isOurs(name.slice(prefix.length)),
        );
        if (names.length === 0) return [];
        const { topics } = await admin.fetchTopicMetadata({ topics: names });
        return topics.map(({ name, partitions }) => ({
          topic: name.slice(prefix.length),
          partitions: partitions.length,
        }));
      }),
    async close() {
      closed = true;
      await admin.disconnect();
    },
  };
};

/** Neither Kafka's own topics nor the log's book-keeping. */
const isOurs = (topic: string): boolean => !topic.startsWith('_');
