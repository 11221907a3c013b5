/** Compares topics with those that this platform made, without a change of what is recorded. */
import type { MillraceError } from '#domain/errors.ts';
import type { TopicIds } from '#domain/ports/topic-ids.ts';
import { mixedTopic, type TopicGuard } from '#infra/kafka/topic-guard.ts';

/**
 * The recorded ids for a guard that changes none of them.
 * @param onReplaced called with a topic that gateways use again after a restart or at once: until
 * then, it is not theirs
 */
export const recordedIds = (
  { all }: Pick<TopicIds, 'all'>,
  onReplaced: (problem: MillraceError) => void,
): TopicIds => ({
  all,
  record: async (_topic, id) => id,
  replace: async (topic) =>
    onReplaced(
      mixedTopic(
        topic,
        `The topic ${topic} was deleted and created again. Start the gateways again, which then use the new one.`,
      ),
    ),
});

/**
 * Compares the topics now. Records of a topic that is not the one that this platform made do not
 * belong to the history, nor to the offsets in the other topics.
 * @throws MR_DATA_MIXED where one is not that of the platform
 */
export const assertOwnTopics = async (
  guard: Pick<TopicGuard, 'check' | 'assert'>,
  topics: readonly { readonly topic: string }[],
): Promise<void> => {
  await guard.check();
  for (const { topic } of topics) guard.assert(topic);
};
