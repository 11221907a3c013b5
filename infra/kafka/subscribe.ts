/**
 * A member of a consumer group, as domain/ports/subscription.ts promises it. A batch is committed
 * once the handler has resolved. A fetch waits for the first byte only, so delivery takes about a
 * round trip; the heartbeat goes on while a handler works.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  AssignedPartition,
  StartAt,
  Subscription,
  SubscriptionOptions,
} from '#domain/ports/subscription.ts';
import { type Assignments, createAssignments } from '#infra/kafka/assignments.ts';
import { openConsuming } from '#infra/kafka/consume.ts';
import { toLogRecord } from '#infra/kafka/log-record.ts';
import { watchMembership } from '#infra/kafka/membership.ts';
import type { KafkaAddress, TopicPartition } from '#infra/kafka/wire/address.ts';
import { openCluster } from '#infra/kafka/wire/cluster.ts';
import type { FetchedPartition } from '#infra/kafka/wire/fetch.ts';
import { type Membership, openGroup } from '#infra/kafka/wire/group.ts';

export interface SubscribeOptions extends KafkaAddress, SubscriptionOptions {
  /** where a group without a position starts; default true */
  readonly fromBeginning?: boolean;
  /** prepended to the names of the group and the topics */
  readonly prefix?: string;
  /** how many partitions are handled at the same time; default 1 */
  readonly concurrency?: number;
  readonly maxBytesPerPartition?: number;
  readonly sessionTimeoutMs?: number;
  /**
   * how long a rebalance waits for a member's handlers; a slower member loses its partitions while
   * its handlers still run
   */
  readonly rebalanceTimeoutMs?: number;
  /** a handler's or a callback's error; the work is tried again */
  readonly onError?: (error: unknown) => void;
}

export interface KafkaSubscription extends Subscription {
  /** resolves with the first assignment, also an empty one */
  readonly ready: Promise<void>;
  readonly assigned: () => readonly AssignedPartition[];
}

/**
 * The shortest that a broker allows. After a restart of a broker, the group waits this long for
 * members that no longer exist.
 */
const SESSION_MS = 6_000;
const REBALANCE_MS = 30_000;
const PARTITION_BYTES = 4 * 1024 * 1024;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;

export const subscribe = (options: SubscribeOptions): KafkaSubscription => {
  const {
    prefix = '',
    warn,
    onError = (error) => warn?.(`subscription ${options.group}: ${String(error)}`),
  } = options;
  const cluster = openCluster(options);
  const group = openGroup(cluster, {
    ...options,
    group: prefix + options.group,
    topics: options.topics.map((topic) => prefix + topic),
    sessionTimeoutMs: options.sessionTimeoutMs ?? SESSION_MS,
    rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? REBALANCE_MS,
  });
  let closed = false;
  let endMembership: () => void = () => undefined;
  /** false once the partitions may belong to other members */
  let isMember: () => boolean = () => false;
  let membership: Membership | null = null;
  let markReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    markReady = resolve;
  });

  const withoutPrefix = (topic: string): string => topic.slice(prefix.length);
  const prefixed = <P extends TopicPartition>(at: P): P => ({ ...at, topic: prefix + at.topic });

  const handle = async (batch: FetchedPartition): Promise<void> => {
    const generation = assignments.generation();
    const current = (): boolean => isMember() && generation === assignments.generation();
    const topic = withoutPrefix(batch.topic);
    const { partition, next, highWatermark } = batch;
    const records = batch.records.map((record) => toLogRecord(topic, partition, record));
    await options.handler({ topic, partition, records, end: highWatermark, current });
    if (options.commits === 'handler' || membership === null) return;
    await group.commit(membership, [{ topic: batch.topic, partition, offset: next }]);
  };

  const consuming = openConsuming({
    ...options,
    cluster,
    group: prefix + options.group,
    fromBeginning: options.fromBeginning ?? true,
    maxBytesPerPartition: options.maxBytesPerPartition ?? PARTITION_BYTES,
    concurrency: options.concurrency ?? 1,
    handle,
  });
  const seek = (at: StartAt): void => consuming.seek(prefixed(at));

  const assignments: Assignments = createAssignments({
    seek,
    onError,
    assigned: async (partitions) => options.onAssigned?.(partitions),
    revoked: async (partitions) => options.onRevoked?.(partitions),
  });

  /** Runs `work` until it succeeds or `live` is false, with a longer pause after each failure. */
  const untilDone = async (work: () => Promise<void>, live: () => boolean): Promise<void> => {
    for (let pause = FIRST_PAUSE_MS; live(); pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const began = performance.now();
      try {
        await work();
        return;
      } catch (error) {
        if (!live()) return;
        onError(error);
        if (performance.now() - began > LONGEST_PAUSE_MS) pause = FIRST_PAUSE_MS;
        await sleep(pause);
        await cluster.refresh().catch(() => undefined);
      }
    }
  };

  /**
   * Works from a join until the group rebalances or removes this member, or this member leaves it.
   */
  const beMember = async (joined: Membership): Promise<void> => {
    membership = joined;
    const watch = watchMembership(cluster, group, joined, {
      topics: options.topics.map((topic) => prefix + topic),
      sessionTimeoutMs: options.sessionTimeoutMs ?? SESSION_MS,
      onError,
    });
    endMembership = watch.end;
    isMember = watch.isMember;
    consuming.reset();
    assignments.assign(joined.assigned.map((at) => ({ ...at, topic: withoutPrefix(at.topic) })));
    markReady();
    const live = (): boolean => !closed && watch.isStable();
    const work = async (): Promise<void> => {
      await assignments.settled();
      await consuming.run(joined.assigned, live);
    };
    try {
      if (joined.assigned.length > 0) await untilDone(work, live);
      await watch.changed;
    } finally {
      // give the partitions up only after the handlers have ended
      watch.stop();
      membership = null;
      assignments.revoke();
      await assignments.settled();
    }
  };

  const start = async (): Promise<void> => {
    while (!closed)
      await untilDone(
        async () => beMember(await group.join()),
        () => !closed,
      );
  };
  const working = start();

  return {
    ready,
    assigned: () => assignments.current(),
    seek,
    async close() {
      closed = true;
      endMembership();
      await group.close();
      await working;
      await group.leave().catch(() => undefined);
      await assignments.settled().catch(() => undefined);
      await Promise.all([consuming.close(), cluster.close()]);
    },
  };
};
