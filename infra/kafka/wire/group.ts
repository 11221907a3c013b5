/** The requests of one member of a consumer group. */
import {
  heartbeatV4,
  joinGroupV7,
  leaveGroupV4,
  offsetCommitV8,
  syncGroupV5,
} from '@platformatic/kafka';
import type { KafkaAddress, TopicPartition } from '#infra/kafka/wire/address.ts';
import {
  decodeAssignment,
  encodeSubscription,
  PROTOCOL_NAME,
  PROTOCOL_TYPE,
  roundRobin,
} from '#infra/kafka/wire/assignment.ts';
import { byTopic } from '#infra/kafka/wire/by-topic.ts';
import { type Cluster, openCluster } from '#infra/kafka/wire/cluster.ts';
import { KafkaFailure } from '#infra/kafka/wire/failure.ts';
import type { Position } from '#infra/kafka/wire/transactional-producer.ts';

export interface GroupOptions extends KafkaAddress {
  readonly group: string;
  readonly topics: readonly string[];
  /** a member is removed after this time without a heartbeat */
  readonly sessionTimeoutMs: number;
  /** a member that has not joined again this long after a rebalance began is removed */
  readonly rebalanceTimeoutMs: number;
}

export interface Membership {
  readonly generationId: number;
  readonly memberId: string;
  readonly assigned: readonly TopicPartition[];
}

/** 'rebalance': the members must join again; 'lost': the group has removed this member. */
export type MemberState = 'stable' | 'rebalance' | 'lost';

export interface Group {
  /** Joins the group, or joins again. Waits for the other members. `cluster` follows the topics. */
  join(): Promise<Membership>;
  heartbeat(membership: Membership): Promise<MemberState>;
  commit(membership: Membership, positions: readonly Position[]): Promise<void>;
  leave(): Promise<void>;
  /** Cancels a waiting join. */
  close(): Promise<void>;
}

type JoinGroupResponse = joinGroupV7.JoinGroupResponse;

/** added to the time that the coordinator itself waits */
const JOIN_MARGIN_MS = 10_000;
const NO_LEADER_EPOCH = -1;
const LOST = ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID'];

const has = (error: unknown, ...types: readonly string[]): boolean =>
  error instanceof KafkaFailure && error.types.some((type) => types.includes(type));

export const openGroup = (cluster: Cluster, options: GroupOptions): Group => {
  const { group, topics, sessionTimeoutMs, rebalanceTimeoutMs } = options;
  const coordinator = { kind: 'group', id: group } as const;
  // A join waits in the coordinator until all members have joined, so it has its own connection.
  const joins = openCluster(options, rebalanceTimeoutMs + JOIN_MARGIN_MS);
  let memberId = '';
  let latest: Membership | null = null;

  const requestJoin = (): Promise<JoinGroupResponse> =>
    joins.toCoordinator(
      coordinator,
      joinGroupV7.api,
      group,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId,
      null,
      PROTOCOL_TYPE,
      [{ name: PROTOCOL_NAME, metadata: encodeSubscription(topics) }],
    );

  /** A new member first gets its id from the coordinator, then joins with it. */
  const joinWithId = async (): Promise<JoinGroupResponse> => {
    try {
      return await requestJoin();
    } catch (error) {
      if (!has(error, 'MEMBER_ID_REQUIRED')) throw error;
      memberId = ((error as KafkaFailure).response as JoinGroupResponse).memberId;
      return await requestJoin();
    }
  };

  const allPartitions = (): readonly TopicPartition[] =>
    topics.flatMap((topic) =>
      Array.from({ length: cluster.partitionCount(topic) }, (_, partition) => ({
        topic,
        partition,
      })),
    );

  const joinOnce = async (): Promise<Membership> => {
    const joined = await joinWithId();
    memberId = joined.memberId;
    const members = joined.members.map((member) => member.memberId);
    const { assignment } = await joins.toCoordinator(
      coordinator,
      syncGroupV5.api,
      group,
      joined.generationId,
      memberId,
      null,
      PROTOCOL_TYPE,
      PROTOCOL_NAME,
      // only the group's leader gets the list of members and assigns the partitions
      members.length === 0 ? [] : [...roundRobin(members, allPartitions())],
    );
    const assigned = decodeAssignment(assignment);
    latest = { generationId: joined.generationId, memberId, assigned };
    return latest;
  };

  return {
    async join() {
      for (const topic of topics) await cluster.follow(topic);
      for (;;) {
        try {
          return await joinOnce();
        } catch (error) {
          if (has(error, ...LOST)) memberId = '';
          // another member has joined or left meanwhile
          else if (!has(error, 'REBALANCE_IN_PROGRESS')) throw error;
        }
      }
    },
    async heartbeat(membership) {
      const { generationId, memberId: id } = membership;
      try {
        await cluster.toCoordinator(coordinator, heartbeatV4.api, group, generationId, id, null);
        return 'stable';
      } catch (error) {
        if (has(error, 'REBALANCE_IN_PROGRESS')) return 'rebalance';
        if (!has(error, ...LOST)) throw error;
        // an answer about an older membership does not affect the current member id
        if (membership === latest) memberId = '';
        return 'lost';
      }
    },
    async commit({ generationId, memberId: id }, positions) {
      await cluster.toCoordinator(
        coordinator,
        offsetCommitV8.api,
        group,
        generationId,
        id,
        null,
        byTopic(positions, ({ partition, offset }) => ({
          partitionIndex: partition,
          committedOffset: BigInt(offset),
          committedLeaderEpoch: NO_LEADER_EPOCH,
        })),
      );
    },
    async leave() {
      if (memberId === '') return;
      const leaving = memberId;
      memberId = '';
      await cluster.toCoordinator(coordinator, leaveGroupV4.api, group, [{ memberId: leaving }]);
    },
    close: () => joins.close(),
  };
};
