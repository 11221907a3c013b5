/**
 * A client's view of the cluster: its brokers, the leaders of the topics that it uses, and the
 * coordinators of groups and transactional ids. `refreshIfStale` reads it again after 30 s;
 * `refresh` does after a failed request.
 */
import { type API, findCoordinatorV3, metadataV12 } from '@platformatic/kafka';
import {
  type BrokerAddress,
  type KafkaAddress,
  parseBroker,
  type TopicPartition,
} from '#infra/kafka/wire/address.ts';
import { openConnections, REQUEST_TIMEOUT_MS } from '#infra/kafka/wire/connections.ts';
import { errorName, KafkaFailure, refused } from '#infra/kafka/wire/failure.ts';

export interface Cluster {
  /** A topic's partitions, as last read; 0 if the topic is not followed. */
  partitionCount(topic: string): number;
  /**
   * Reads the topic's metadata, and keeps it up to date from then on.
   * @throws KafkaFailure UNKNOWN_TOPIC_OR_PARTITION if the topic does not exist
   */
  follow(topic: string): Promise<void>;
  /** Reads brokers and followed topics; the read begins after the call. */
  refresh(): Promise<void>;
  refreshIfStale(): Promise<void>;
  /** @param topics null: every topic */
  describe(topics: readonly string[] | null): Promise<readonly TopicDescription[]>;
  /** @throws KafkaFailure LEADER_NOT_AVAILABLE */
  leaderOf(at: TopicPartition): BrokerAddress;
  request<A extends unknown[], R>(to: BrokerAddress, api: API<A, R>, ...args: A): Promise<R>;
  /** Sends a request to the controller, the broker that changes topics. */
  toController<A extends unknown[], R>(api: API<A, R>, ...args: A): Promise<R>;
  toCoordinator<A extends unknown[], R>(of: Coordinated, api: API<A, R>, ...args: A): Promise<R>;
  close(): Promise<void>;
}

/** A group or a transactional id: each has one broker that coordinates it. */
export interface Coordinated {
  readonly kind: 'group' | 'transaction';
  readonly id: string;
}

export interface TopicDescription {
  readonly topic: string;
  /** a UUID; a topic that is deleted and created again gets another one */
  readonly id: string;
  /** Kafka's name of the error; null if the topic exists */
  readonly error: string | null;
  /** node ids by partition; -1: no leader at the moment */
  readonly leaders: readonly number[];
}

type Metadata = metadataV12.MetadataResponse;

const METADATA_AGE_MS = 30_000;
const COORDINATOR_KINDS = { group: 0, transaction: 1 } as const;
const MOVED = ['NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE'];

const distinct = (brokers: readonly BrokerAddress[]): Iterable<BrokerAddress> =>
  new Map(brokers.map((broker) => [`${broker.host}:${broker.port}`, broker])).values();

export const openCluster = (
  address: KafkaAddress,
  requestTimeoutMs: number = REQUEST_TIMEOUT_MS,
): Cluster => {
  const connections = openConnections(address, requestTimeoutMs);
  const seeds = address.brokers.map(parseBroker);
  const followed = new Set<string>();
  let brokers: ReadonlyMap<number, BrokerAddress> = new Map();
  let controllerId = -1;
  let leaders: ReadonlyMap<string, readonly number[]> = new Map();
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> = Promise.resolve();
  let waiting: Promise<void> | null = null;
  const coordinators = new Map<string, BrokerAddress>();

  /** Sends a request that every broker can answer, until one does. */
  const toAny = async <A extends unknown[], R>(api: API<A, R>, ...args: A): Promise<R> => {
    let last: unknown;
    for (const broker of distinct([...brokers.values(), ...seeds])) {
      try {
        return await connections.request(broker, api, ...args);
      } catch (error) {
        if (!(error instanceof KafkaFailure) || error.types.length > 0) throw error;
        last = error;
      }
    }
    throw last ?? new Error('no broker address is given');
  };

  const readMetadata = async (topics: readonly string[] | null): Promise<Metadata> => {
    try {
      return await toAny(metadataV12.api, topics === null ? null : [...topics], false);
    } catch (error) {
      // if only some topics have an error, the answer is still usable
      if (error instanceof KafkaFailure && error.response !== undefined)
        return error.response as Metadata;
      throw error;
    }
  };

  const describe = async (topics: readonly string[] | null): Promise<TopicDescription[]> => {
    const answer = await readMetadata(topics);
    brokers = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
    controllerId = answer.controllerId;
    return answer.topics.map(({ name, topicId, errorCode, partitions }) => {
      const ids: number[] = new Array(partitions.length).fill(-1);
      for (const { partitionIndex, leaderId } of partitions) ids[partitionIndex] = leaderId;
      return { topic: name ?? '', id: topicId, error: errorName(errorCode), leaders: ids };
    });
  };

  const readFollowed = async (): Promise<void> => {
    const found = await describe([...followed]);
    for (const { topic, error } of found)
      if (error === 'UNKNOWN_TOPIC_OR_PARTITION' || error === 'INVALID_TOPIC_EXCEPTION')
        followed.delete(topic);
    leaders = new Map(
      found.filter(({ error }) => error === null).map((one) => [one.topic, one.leaders]),
    );
    readAt = performance.now();
  };

  const refresh = (): Promise<void> => {
    waiting ??= reading
      .catch(() => undefined)
      .then(() => {
        waiting = null;
        reading = readFollowed();
        return reading;
      });
    return waiting;
  };

  const coordinatorOf = async ({ kind, id }: Coordinated): Promise<BrokerAddress> => {
    const cached = coordinators.get(`${kind} ${id}`);
    if (cached !== undefined) return cached;
    const answer = await toAny(findCoordinatorV3.api, COORDINATOR_KINDS[kind], [id]);
    const found = answer.coordinators[0];
    if (found === undefined) throw refused(`the coordinator of "${id}"`, 'NOT_COORDINATOR');
    const broker = { host: found.host, port: found.port };
    coordinators.set(`${kind} ${id}`, broker);
    return broker;
  };

  return {
    partitionCount: (topic) => leaders.get(topic)?.length ?? 0,
    async follow(topic) {
      followed.add(topic);
      await refresh();
      if (!followed.has(topic)) throw refused(`topic "${topic}"`, 'UNKNOWN_TOPIC_OR_PARTITION');
      if (!leaders.has(topic)) throw refused(`topic "${topic}"`, 'LEADER_NOT_AVAILABLE');
    },
    refresh,
    refreshIfStale: async () => {
      if (performance.now() - readAt > METADATA_AGE_MS) await refresh();
    },
    describe,
    leaderOf({ topic, partition }) {
      const leader = brokers.get(leaders.get(topic)?.[partition] ?? -1);
      if (leader === undefined) throw refused(`${topic}/${partition}`, 'LEADER_NOT_AVAILABLE');
      return leader;
    },
    request: connections.request,
    async toController(api, ...args) {
      if (brokers.size === 0) await refresh();
      const controller = brokers.get(controllerId);
      if (controller === undefined) throw refused('the controller', 'BROKER_NOT_AVAILABLE');
      return connections.request(controller, api, ...args);
    },
    async toCoordinator(of, api, ...args) {
      const coordinator = await coordinatorOf(of);
      try {
        return await connections.request(coordinator, api, ...args);
      } catch (error) {
        const { types } = error as KafkaFailure;
        if (
          error instanceof KafkaFailure &&
          (types.length === 0 || types.some((t) => MOVED.includes(t)))
        )
          coordinators.delete(`${of.kind} ${of.id}`);
        throw error;
      }
    },
    close: connections.close,
  };
};
