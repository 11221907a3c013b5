/**
 * Refuses to back up a topic that is not the one that this platform made: its records do not belong
 * to the history, nor to the offsets in the other topics.
 */
import type { TopicIds } from '#domain/ports/topic-ids.ts';
import { mixedTopic, type TopicGuard } from '#infra/kafka/topic-guard.ts';

/** The recorded ids for a guard that changes none of them. */
export const recordedIds = ({ all }: Pick<TopicIds, 'all'>): TopicIds => ({
  all,
  record: async (_topic, id) => id,
  // Topics that gateways use again after a restart or at once: until then, they are not theirs.
  replace: async (topic) => {
    throw mixedTopic(
      topic,
      `The topic ${topic} was deleted and created again. Start the gateways again, which then use the new one, and back up again.`,
    );
  },
});

/**
 * Compares the topics now.
 * @throws MR_DATA_MIXED where one is not that of the platform
 */
export const assertOwnTopics = async (
  guard: Pick<TopicGuard, 'check' | 'assert'>,
  topics: readonly { readonly topic: string }[],
): Promise<void> => {
  await guard.check();
  for (const { topic } of topics) guard.assert(topic);
};
