/**
 * Idempotent producing: a producer numbers its own records from 0. A batch whose records were all
 * taken before is a duplicate. Any other batch must start at the next expected number.
 */
import { MillraceError } from '#domain/errors.ts';
import type { Append } from '#domain/ports/log.ts';

/**
 * The next sequence expected after this batch, or 'duplicate' for a batch that was taken before.
 * @param expected the next sequence expected from the producer on the topic before this batch
 * @throws MillraceError MR_PRODUCER_SEQUENCE; details.expected is where to continue
 */
export const nextSequence = (
  { id, topic, sequence, count }: NonNullable<Append['producer']>,
  expected: number,
): number | 'duplicate' => {
  if (sequence + count <= expected && sequence < expected) return 'duplicate';
  if (sequence === expected) return sequence + count;
  throw new MillraceError(
    'MR_PRODUCER_SEQUENCE',
    `Producer "${id}" sent records ${sequence} to ${sequence + count - 1} of "${topic}"; the next expected is ${expected}.`,
    { producer: id, topic, expected, sequence },
  );
};
