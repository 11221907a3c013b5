/** Positions as text: `raw.flights@0:123,1:7`, the next offset of each partition. */
import { fail } from '#domain/errors.ts';
import type { Position } from '#domain/values/value.ts';

const FORM = /^([a-z][a-z0-9_.-]*)@(\d+:\d+(?:,\d+:\d+)*)$/;

export interface TopicPosition {
  readonly topic: string;
  readonly positions: readonly Position[];
}

export const parseTopicPosition = (text: string): TopicPosition => {
  const match = FORM.exec(text);
  if (match === null)
    return fail(
      'MR_BODY_INVALID',
      `"${text}" is not a position: it looks like raw.flights@0:123, as an answer gave it`,
      {
        position: text,
      },
    );
  const positions = (match[2] as string).split(',').map((part) => {
    const [partition, offset] = part.split(':').map(Number);
    return { partition: partition as number, offset: offset as number };
  });
  return { topic: match[1] as string, positions };
};

/** The positions of a text that must be of this topic. @throws MR_BODY_INVALID */
export const parsePosition = (text: string, topic: string): readonly Position[] => {
  const parsed = parseTopicPosition(text);
  if (parsed.topic !== topic)
    fail(
      'MR_BODY_INVALID',
      `position "${text}" is of topic "${parsed.topic}", and one of "${topic}" is needed`,
      {
        position: text,
      },
    );
  return parsed.positions;
};
