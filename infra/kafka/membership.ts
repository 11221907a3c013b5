/**
 * Sends the heartbeats of one membership, from its join on, also while a handler runs. They show
 * when the group rebalances or has removed this member. More partitions of a topic count as a
 * rebalance too.
 */
import type { Cluster } from '#infra/kafka/wire/cluster.ts';
import type { Group, MemberState, Membership } from '#infra/kafka/wire/group.ts';

export interface WatchOptions {
  /** with their prefix */
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
  readonly onError: (error: unknown) => void;
}

export interface MembershipWatch {
  /** True while no rebalance has begun and the group has not removed this member. */
  isStable(): boolean;
  /**
   * True while the partitions belong to this member, also while it finishes its work for a
   * rebalance.
   */
  isMember(): boolean;
  /** resolves once the membership is no longer stable */
  readonly changed: Promise<void>;
  /** Ends the stable state, as a rebalance does. */
  end(): void;
  /** Stops the heartbeats. */
  stop(): void;
}

const HEARTBEAT_MS = 1_000;

export const watchMembership = (
  cluster: Cluster,
  group: Group,
  membership: Membership,
  { topics, sessionTimeoutMs, onError }: WatchOptions,
): MembershipWatch => {
  const partitionCounts = (): string => topics.map(cluster.partitionCount).join();
  const joinedWith = partitionCounts();
  let state: MemberState = 'stable';
  let lastAnswerAt = performance.now();
  let beating = false;
  let markChanged: () => void = () => undefined;
  const changed = new Promise<void>((resolve) => {
    markChanged = resolve;
  });

  const become = (next: MemberState): void => {
    if (state === 'lost' || next === 'stable') return;
    state = next;
    markChanged();
  };

  const beat = async (): Promise<void> => {
    try {
      become(await group.heartbeat(membership));
      lastAnswerAt = performance.now();
      await cluster.refreshIfStale();
      if (partitionCounts() !== joinedWith) become('rebalance');
    } catch (error) {
      onError(error);
      // the group removes a member after this time without a heartbeat
      if (performance.now() - lastAnswerAt > sessionTimeoutMs) become('lost');
    }
  };

  const timer = setInterval(() => {
    if (beating) return;
    beating = true;
    void beat().finally(() => {
      beating = false;
    });
  }, HEARTBEAT_MS);

  return {
    isStable: () => state === 'stable',
    isMember: () => state !== 'lost',
    changed,
    end: () => become('rebalance'),
    stop: () => clearInterval(timer),
  };
};
