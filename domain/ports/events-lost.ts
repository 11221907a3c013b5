/**
 * Events that a log deleted before the history had them. What needs them is refused: values without
 * them would be wrong without a sign.
 */
import { MillraceError } from '#domain/errors.ts';

/**
 * @param begin the log's oldest offsets, by partition
 * @param reached next offsets that the history has; [] where there is no history yet
 * @returns null: history and log have every event
 */
export const eventsLost = (
  topic: string,
  begin: readonly number[],
  reached: readonly number[],
): MillraceError | null => {
  const partition = begin.findIndex((offset, p) => offset > (reached[p] ?? 0));
  if (partition < 0) return null;
  const from = reached[partition] ?? 0;
  const below = begin[partition] as number;
  return new MillraceError(
    'MR_EVENTS_LOST',
    `${topic} lacks offsets ${from} to ${below - 1} of partition ${partition}: the log deleted them before the history had them`,
    { topic, partition, from, below },
  );
};

/** @throws MR_EVENTS_LOST */
export const assertEvents = (
  topic: string,
  begin: readonly number[],
  reached: readonly number[],
): void => {
  const lost = eventsLost(topic, begin, reached);
  if (lost !== null) throw lost;
};
