/**
 * Heartbeats of one membership, from its join on: they go on while a handler works, and say when
 * the group rebalances or has removed this member. A topic that got more partitions is a rebalance
 * as well.
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
  /** No rebalance has begun, and the group still counts this member. */
  isStable(): boolean;
  /** The partitions are this member's, also while it ends its work before a rebalance. */
  isMember(): boolean;
  /** resolves once the membership is no longer stable */
  readonly changed: Promise<void>;
  /** Makes it no longer stable. */
  end(): void;
  /** Sends no more heartbeats. */
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
  let heardAt = performance.now();
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
      heardAt = performance.now();
      await cluster.refreshIfStale();
      if (partitionCounts() !== joinedWith) become('rebalance');
    } catch (error) {
      onError(error);
      // the group has removed a member that it did not hear for so long
      if (performance.now() - heardAt > sessionTimeoutMs) become('lost');
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
