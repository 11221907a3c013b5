/**
 * A consumer's committed positions. Positions of a transaction count from its commit on. The
 * coordinator of the group may not have received the transaction's marker yet; the request is
 * repeated until it has.
 */
import { hasType, type RetryPolicy, withRetries } from '#infra/kafka/kafka-error.ts';
import type { TopicPartition } from '#infra/kafka/wire/address.ts';
import type { Cluster } from '#infra/kafka/wire/cluster.ts';
import { committedPositions } from '#infra/kafka/wire/offsets.ts';

export const committedOffsets =
  (cluster: Cluster, retryPolicy: RetryPolicy) =>
  async (group: string, at: readonly TopicPartition[]): Promise<readonly number[]> => {
    if (at.length === 0) return [];
    return withRetries(retryPolicy, `reading the positions of "${group}"`, async () => {
      try {
        const positions = await committedPositions(cluster, group, at);
        return positions.map((position) => Math.max(0, position));
      } catch (error) {
        if (hasType(error, 'GROUP_ID_NOT_FOUND')) return at.map(() => 0);
        throw error;
      }
    });
  };
