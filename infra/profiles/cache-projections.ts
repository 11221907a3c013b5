/** The projections that fill the cache tier: one for each view, following its updates. */

import type { UpdateDecoder } from '#domain/encoding/update-decoder.ts';
import type { WantedView } from '#domain/ports/engine.ts';
import type { Log } from '#domain/ports/log.ts';
import type { CacheStore } from '#domain/ports/online-store.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import { subscribe } from '#infra/kafka/subscribe.ts';
import type { TopicGuard } from '#infra/kafka/topic-guard.ts';
import type { KafkaAddress } from '#infra/kafka/wire/address.ts';
import { type CacheProjection, cacheProjection } from '#projections/cache/cache-projection.ts';
import type { StackOnline } from './stack-online.ts';
import type { StackTraces } from './stack-traces.ts';

/** Only the first record is looked at. */
const FIRST_BYTES = 4096;

interface CacheProjections {
  /** Follows these views with these generations. */
  readonly follow: (views: readonly WantedView[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

interface CacheProjectionsDependencies extends Pick<StackOnline, 'ttlOf' | 'older'> {
  readonly kafka: KafkaAddress;
  readonly log: Pick<Log, 'end' | 'read'>;
  readonly guard: Pick<TopicGuard, 'problem' | 'assert'>;
  readonly cache: CacheStore;
  readonly decoder: UpdateDecoder;
  readonly traces: Pick<StackTraces, 'ofCache'>;
  readonly now: () => number;
}

export const openCacheProjections = ({
  kafka,
  log,
  guard,
  cache,
  decoder,
  traces,
  ttlOf,
  older,
  now,
}: CacheProjectionsDependencies): CacheProjections => {
  const byView = new Map<string, CacheProjection>();

  const open = async ({ view, generations }: WantedView): Promise<CacheProjection | null> => {
    const [first] = generations;
    if (first === undefined) return null;
    const ends = (): Promise<readonly number[]> => log.end(featuresTopic(view));
    return cacheProjection({
      subscribe: (subscription) =>
        subscribe({
          ...kafka,
          ...subscription,
          async handler(batch) {
            guard.assert(batch.topic);
            await subscription.handler(batch);
          },
        }),
      view,
      partitions: (await ends()).length,
      store: cache,
      decoder,
      ttlOf,
      now,
      ends,
      async isEmpty(partition, from, end) {
        const records = await log.read(featuresTopic(view), partition, from, FIRST_BYTES);
        return records.every((record) => record.offset >= end);
      },
      ...traces.ofCache(view, rawTopic(first.spec.source.name)),
      ...(generations.some(({ spec }) => spec.plan.ephemeral !== null) ? { older } : {}),
    });
  };

  return {
    async follow(views) {
      for (const wanted of views) {
        if (wanted.generations.length === 0) continue;
        if (guard.problem(featuresTopic(wanted.view)) !== null) continue;
        const projection = byView.get(wanted.view) ?? (await open(wanted));
        if (projection === null) continue;
        byView.set(wanted.view, projection);
        await projection.follow(
          wanted.generations.map(({ spec: { plan, generation } }) => ({ plan, generation })),
        );
      }
    },
    async close() {
      for (const projection of byView.values()) await projection.close();
    },
  };
};
