/**
 * Fetches the partitions of an assignment with one long poll after the other to each leader, and
 * passes each partition's records to `handle`. A position advances once its batch was handled. A
 * seek overrides the position of a batch that is being handled.
 */

import { atMost } from '#infra/kafka/at-most.ts';
import type { KafkaAddress, TopicPartition } from '#infra/kafka/wire/address.ts';
import { byLeader } from '#infra/kafka/wire/by-topic.ts';
import type { Cluster } from '#infra/kafka/wire/cluster.ts';
import { openConnections } from '#infra/kafka/wire/connections.ts';
import { refused } from '#infra/kafka/wire/failure.ts';
import { type FetchedPartition, fetchFrom } from '#infra/kafka/wire/fetch.ts';
import {
  committedPositions,
  EARLIEST,
  LATEST,
  listOffsets,
  READ_COMMITTED,
} from '#infra/kafka/wire/offsets.ts';
import type { Position } from '#infra/kafka/wire/transactional-producer.ts';

export interface ConsumeOptions extends KafkaAddress {
  readonly cluster: Cluster;
  readonly group: string;
  /** where a partition without a committed position starts */
  readonly fromBeginning: boolean;
  readonly maxBytesPerPartition: number;
  /** how many partitions are handled at the same time */
  readonly concurrency: number;
  /** its records are never empty; resolves when the batch was handled and committed */
  readonly handle: (batch: FetchedPartition) => Promise<void>;
}

export interface Consuming {
  /**
   * Clears all positions: the assignment changed, or other members may have read the partitions.
   */
  reset(): void;
  seek(at: Position): void;
  /**
   * Fetches and handles until `live` is false.
   * @throws the first failure of a fetch or a handler, after the others have ended
   */
  run(partitions: readonly TopicPartition[], live: () => boolean): Promise<void>;
  close(): Promise<void>;
}

/** The longest wait of a fetch without records. A rebalance is noticed after it. */
const WAIT_MS = 250;
const FETCH_BYTES = 10 * 1024 * 1024;

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;

export const openConsuming = (options: ConsumeOptions): Consuming => {
  const { cluster, group, fromBeginning, maxBytesPerPartition, concurrency, handle } = options;
  // A long poll delays the requests behind it: fetches have connections of their own.
  const connections = openConnections(options);
  const slots = atMost(concurrency);
  /** a new object with every change, so that a concurrent change can be detected */
  const positions = new Map<string, { readonly offset: number }>();

  const reset = (at: readonly TopicPartition[]): Promise<readonly number[]> =>
    listOffsets(cluster, at, fromBeginning ? EARLIEST : LATEST, READ_COMMITTED);

  const findPositions = async (partitions: readonly TopicPartition[]): Promise<void> => {
    const unknown = partitions.filter((at) => !positions.has(keyOf(at)));
    if (unknown.length === 0) return;
    const committed = await committedPositions(cluster, group, unknown);
    const without = unknown.filter((_, i) => (committed[i] as number) < 0);
    const begins = without.length === 0 ? [] : await reset(without);
    const found = new Map(without.map((at, i) => [keyOf(at), begins[i] as number]));
    for (const [i, at] of unknown.entries()) {
      if (positions.has(keyOf(at))) continue;
      positions.set(keyOf(at), { offset: found.get(keyOf(at)) ?? (committed[i] as number) });
    }
  };

  /** Called when the position is outside the partition's range of offsets. */
  const reposition = async (at: TopicPartition): Promise<void> => {
    const [offset = 0] = await reset([at]);
    positions.set(keyOf(at), { offset });
  };

  const handleOne = async (
    fetched: FetchedPartition,
    from: { readonly offset: number },
    live: () => boolean,
  ): Promise<void> => {
    const key = keyOf(fetched);
    const unchanged = (): boolean => positions.get(key) === from;
    if (!live() || !unchanged()) return;
    if (fetched.error === 'OFFSET_OUT_OF_RANGE') return reposition(fetched);
    if (fetched.error !== null) throw refused(key, fetched.error);
    if (fetched.records.length > 0) await handle(fetched);
    if (unchanged() && fetched.next > from.offset) positions.set(key, { offset: fetched.next });
  };

  const poll = async (led: readonly TopicPartition[], live: () => boolean): Promise<void> => {
    const from = led.map((at) => positions.get(keyOf(at)) ?? { offset: 0 });
    const answers = await fetchFrom(connections, cluster.leaderOf(led[0] as TopicPartition), {
      isolation: READ_COMMITTED,
      waitMs: WAIT_MS,
      maxBytes: FETCH_BYTES,
      from: led.map(({ topic, partition }, i) => ({
        topic,
        partition,
        offset: from[i]?.offset ?? 0,
        maxBytes: maxBytesPerPartition,
      })),
    });
    const requested = new Map(led.map((at, i) => [keyOf(at), from[i]]));
    const handled = await Promise.allSettled(
      answers.map((fetched) => {
        const start = requested.get(keyOf(fetched));
        return start === undefined ? undefined : slots(() => handleOne(fetched, start, live));
      }),
    );
    for (const one of handled) if (one.status === 'rejected') throw one.reason;
  };

  return {
    reset: () => positions.clear(),
    seek: ({ offset, ...at }) => void positions.set(keyOf(at), { offset }),
    async run(partitions, live) {
      await findPositions(partitions);
      let failed = false;
      const going = (): boolean => live() && !failed;
      const loops = byLeader(partitions, cluster.leaderOf).map(async ({ led }) => {
        // the broker answers the first partition first, so the order rotates
        for (let turn = 0; going(); turn = (turn + 1) % led.length) {
          try {
            await poll([...led.slice(turn), ...led.slice(0, turn)], going);
          } catch (error) {
            failed = true;
            throw error;
          }
        }
      });
      const ended = await Promise.allSettled(loops);
      for (const one of ended) if (one.status === 'rejected') throw one.reason;
    },
    close: () => connections.close(),
  };
};
