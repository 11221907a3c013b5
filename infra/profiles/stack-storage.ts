/** How much the platform's topics take in Kafka, and what is left in them. */
import type { KafkaLog } from '#infra/kafka/log.ts';
import type { TopicGuard } from '#infra/kafka/topic-guard.ts';
import type { StorageSizes } from '#projections/status/storage.ts';

export const stackStorage = (
  log: Pick<KafkaLog, 'topics' | 'bytes' | 'kept'>,
  guard: Pick<TopicGuard, 'isKnown' | 'problem'>,
): StorageSizes => ({
  async log() {
    const own = (await log.topics()).filter(
      ({ topic }) => guard.isKnown(topic) && guard.problem(topic) === null,
    );
    const sizes = await log.bytes(own.map(({ topic }) => topic));
    return { bytes: [...sizes.values()].reduce((a, b) => a + b, 0), free: 0 };
  },
  // A topic that does not exist yet, or cannot be used, has nothing to read.
  kept: (topic) => log.kept(topic).catch(() => []),
});
