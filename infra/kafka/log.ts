/**
 * The log over Kafka. An append is one transaction, or a part of one: appends that arrive during a
 * transaction are grouped into the next (group-commit.ts). Readers see committed records only.
 * Kafka promises less than the embedded log in two points, which the port's docstring states. A
 * commit marker takes an offset, so offsets have gaps and `end` may lie past the last record. The
 * records of one append have the log time that each partition's leader gave them, and the append
 * answers with the latest.
 *
 * A read is a fetch that does not wait: one request to the partition's leader, without a consumer
 * group or state. `onAppend` reports this process's own appends immediately, and never those of
 * other processes; subscribe.ts delivers those.
 */
import { randomUUID } from 'node:crypto';
import type { Append, Log, LogRecord } from '#domain/ports/log.ts';
import { kafkaAdmin } from '#infra/kafka/admin.ts';
import { committedOffsets } from '#infra/kafka/committed-offsets.ts';
import { groupCommit } from '#infra/kafka/group-commit.ts';
import type { RetryPolicy } from '#infra/kafka/kafka-error.ts';
import { toLogRecord } from '#infra/kafka/log-record.ts';
import { type LogRetention, logRetention } from '#infra/kafka/log-retention.ts';
import { openPartitions } from '#infra/kafka/partitions.ts';
import { producerClaims } from '#infra/kafka/producer-claims.ts';
import { PRODUCERS_TOPIC, type TopicOptions } from '#infra/kafka/topic-config.ts';
import { type LogGuard, UNGUARDED } from '#infra/kafka/topic-guard.ts';
import { openTransactor, type Transactor } from '#infra/kafka/transactor.ts';
import type { KafkaAddress } from '#infra/kafka/wire/address.ts';
import { openCluster } from '#infra/kafka/wire/cluster.ts';
import { EARLIEST, LATEST } from '#infra/kafka/wire/offsets.ts';
import { appendListeners } from '#infra/shared/append-listeners.ts';

export interface KafkaLogOptions extends KafkaAddress {
  /**
   * The name of this process among those that write. If it is the same after a restart, a
   * transaction that was left open is aborted immediately and not only at its timeout. Two
   * processes must not share a name: the later fences the earlier. Default: a random name.
   */
  readonly instance?: string;
  readonly now?: () => number;
  readonly topicOptions?: TopicOptions;
  /** before every topic's and consumer's name, so that several platforms share a cluster */
  readonly prefix?: string;
  /** how long a request is repeated while the broker is unavailable */
  readonly retryForMs?: number;
  readonly transactionTimeoutMs?: number;
  /** refuses topics that are not those of this platform; default: none is compared */
  readonly guard?: LogGuard;
  /** true: nothing is appended, so the topic with the numbers of producers is not made */
  readonly readOnly?: boolean;
}

const RETRY_FOR_MS = 8_000;
const TRANSACTION_TIMEOUT_MS = 10_000;

export interface KafkaLog extends Log, LogRetention {
  /**
   * Writes a transaction's markers and no record to a topic, which ends a consumer's wait for new
   * data.
   */
  readonly nudge: (topic: string) => Promise<void>;
}

export const kafkaLog = async (options: KafkaLogOptions): Promise<KafkaLog> => {
  const { brokers, clientId, prefix = '', now = Date.now, retryForMs = RETRY_FOR_MS } = options;
  const guard = options.guard ?? UNGUARDED;
  const reads = openCluster(options);
  const writes = openCluster(options);
  let closed = false;
  const retryPolicyOf = (cluster: typeof reads): RetryPolicy => ({
    brokers,
    retryForMs,
    closed: () => closed,
    refresh: () => cluster.refresh(),
  });
  const named = (topic: string): string => `${prefix}${topic}`;
  const partitions = openPartitions(reads, retryPolicyOf(reads));
  const written = openPartitions(writes, retryPolicyOf(writes));
  const admin = kafkaAdmin(reads, retryPolicyOf(reads), prefix, options.topicOptions ?? {});
  const listeners = appendListeners();

  const producersTopic = named(PRODUCERS_TOPIC);
  const claims = producerClaims(partitions, producersTopic);
  const committed = committedOffsets(reads, retryPolicyOf(reads));
  const transactional = `${prefix}${clientId}.${options.instance ?? randomUUID()}`;
  const transactorOf = (transactionalId: string): Transactor =>
    openTransactor({
      cluster: writes,
      partitions: written,
      retryPolicy: retryPolicyOf(writes),
      transactionalId,
      transactionTimeoutMs: options.transactionTimeoutMs ?? TRANSACTION_TIMEOUT_MS,
    });
  // A transactor of its own, so that a nudge never delays appends.
  const nudges = transactorOf(`${transactional}.nudge`);
  let nudged: Promise<void> = Promise.resolve();
  const appends = groupCommit({
    partitions: written,
    claims,
    transactor: transactorOf(transactional),
    names: { topic: named, group: named, producers: producersTopic },
    now,
    brokers,
    retryForMs,
    notify: listeners.notify,
  });

  const close = async (): Promise<void> => {
    await appends.close();
    closed = true;
    listeners.clear();
    await Promise.all([reads.close(), writes.close()]);
  };

  const all = async (
    topic: string,
  ): Promise<readonly { readonly topic: string; readonly partition: number }[]> => {
    const count = await partitions.count(named(topic));
    return Array.from({ length: count }, (_, partition) => ({ topic: named(topic), partition }));
  };

  const retention = logRetention({
    cluster: reads,
    partitions,
    retryPolicy: retryPolicyOf(reads),
    all,
  });

  const assertTopics = ({ records, positions = [], producer }: Append): void => {
    for (const { topic } of records) guard.assert(topic);
    for (const { topic } of positions) guard.assert(topic);
    if (producer === undefined) return;
    guard.assert(producer.topic);
    guard.assert(PRODUCERS_TOPIC);
  };

  const log: KafkaLog = {
    hasMarkers: true,
    async createTopic(topic, { partitions: count }) {
      guard.assert(topic);
      await guard.found(topic, await admin.createTopic(topic, count));
      guard.assert(topic);
      await Promise.all([partitions.refresh(named(topic)), written.refresh(named(topic))]);
      // The metadata names a leader shortly before it accepts requests. Wait for it here, so that
      // the first append does not have to be repeated.
      await partitions.offsets(await all(topic), LATEST);
    },
    topics: () => admin.topics(),
    async append(batch) {
      assertTopics(batch);
      return appends.append(batch);
    },
    async read(topic, partition, offset, maxBytes) {
      guard.assert(topic);
      if (partition >= (await all(topic)).length) return [];
      const records: LogRecord[] = [];
      for (let from = offset; records.length === 0; ) {
        const { messages, next, atEnd } = await partitions.fetch(
          { topic: named(topic), partition },
          from,
          { maxBytes },
        );
        for (const message of messages) records.push(toLogRecord(topic, partition, message));
        if (atEnd) break;
        from = next;
      }
      return records;
    },
    async begin(topic) {
      guard.assert(topic);
      return partitions.offsets(await all(topic), EARLIEST);
    },
    async end(topic) {
      guard.assert(topic);
      const before = guard.ends(topic);
      const ends = await partitions.offsets(await all(topic), LATEST);
      guard.sawEnds(topic, before, ends);
      return ends;
    },
    async offsetsAt(topic, time) {
      guard.assert(topic);
      const at = await all(topic);
      const [found, ends] = await Promise.all([
        partitions.offsets(at, time + 1),
        partitions.offsets(at, LATEST),
      ]);
      return found.map((offset, i) => (offset < 0 ? (ends[i] ?? 0) : offset));
    },
    async trim(topic, below) {
      guard.assert(topic);
      await retention.trim(topic, below);
    },
    async kept(topic) {
      guard.assert(topic);
      return retention.kept(topic);
    },
    bytes: retention.bytes,
    async committed(consumer, topic) {
      guard.assert(topic);
      return committed(named(consumer), await all(topic));
    },
    async producerSequence(producer, topic) {
      guard.assert(topic);
      guard.assert(PRODUCERS_TOPIC);
      await claims.catchUp();
      return claims.next(producer, topic);
    },
    async nudge(topic) {
      guard.assert(topic);
      const touched = (await all(topic)).map((at) => ({ ...at, batches: [] }));
      nudged = nudged
        .catch(() => {})
        .then(async () => void (await nudges.transact({ partitions: touched, positions: [] })));
      await nudged;
    },
    onAppend: listeners.add,
    close,
  };

  if (options.readOnly === true) return log;
  try {
    await guard.found(PRODUCERS_TOPIC, await admin.createTopic(PRODUCERS_TOPIC, 1));
    await Promise.all([partitions.refresh(producersTopic), written.refresh(producersTopic)]);
  } catch (error) {
    await close();
    throw error;
  }
  return log;
};
