/**
 * Publishes rejected events again, each at most once. The records in `resent.<source>` that say so
 * are in the same append as the events, so both exist or neither.
 *
 * Two gateways may resend at the same time. They are one numbered producer of `resent.<source>`:
 * the append of the second one is refused as a duplicate. It then reads what the first one has
 * resent, and tries again.
 */
import type { Caller } from '#domain/api/caller.ts';
import type { PublishResult } from '#domain/api/publishing.ts';
import { encodeResentEvent } from '#domain/events/resent-event.ts';
import type { Log, OutgoingRecord } from '#domain/ports/log.ts';
import { ingestBatch, positionAfter } from './ingest-batch.ts';
import type { SourceIngest } from './source-ingest.ts';

const PRODUCER = 'resend';

export interface RejectedOriginal {
  /** its offset in rejected.<source> */
  readonly offset: number;
  /** what to publish: the corrected event, or the one that was sent */
  readonly event: unknown;
}

interface ResendDependencies {
  readonly log: Log;
  /** @throws MR_UNKNOWN_SOURCE */
  readonly ingest: (source: string) => Promise<SourceIngest>;
  /** the offsets of the rejected events that were resent before this call */
  readonly resent: (source: string) => Promise<{ readonly has: (offset: number) => boolean }>;
  readonly now: () => number;
}

export type Resend = (
  source: string,
  originals: readonly RejectedOriginal[],
  caller: Caller,
) => Promise<PublishResult>;

const markerOf = (
  { resentTopic, resentSchemaId }: SourceIngest,
  offset: number,
  actor: string,
): OutgoingRecord => ({
  topic: resentTopic,
  partition: 0,
  key: null,
  value: encodeResentEvent({ offset, actor }),
  schemaId: resentSchemaId,
});

export const createResend = ({ log, ingest, resent, now }: ResendDependencies): Resend => {
  /** null: another gateway has resent events meanwhile */
  const attempt = async (
    source: SourceIngest,
    originals: readonly RejectedOriginal[],
    caller: Caller,
  ): Promise<PublishResult | null> => {
    // Before the records are read, which are then at least as many.
    const sequence = await log.producerSequence(PRODUCER, source.resentTopic);
    const before = await resent(source.definition.name);
    const chosen = new Map<number, number>();
    originals.forEach(({ offset }, index) => {
      if (!before.has(offset) && !chosen.has(offset)) chosen.set(offset, index);
    });
    const indexes = [...chosen.values()];
    const events = indexes.map((index) => originals[index]?.event);
    const batch = ingestBatch(source, events, now(), caller);
    try {
      const { ends, duplicate } = await log.append({
        records: [
          ...batch.records,
          ...[...chosen.keys()].map((offset) => markerOf(source, offset, caller.actor)),
        ],
        ...(chosen.size === 0
          ? {}
          : {
              producer: {
                id: PRODUCER,
                topic: source.resentTopic,
                sequence,
                count: chosen.size,
              },
            }),
      });
      if (duplicate) {
        batch.undo();
        return null;
      }
      const duplicates = batch.duplicates + originals.length - events.length;
      return {
        accepted: batch.accepted,
        duplicates,
        rejected: batch.rejected.map((event) => ({
          ...event,
          index: indexes[event.index] as number,
        })),
        position: await positionAfter(log, source.topic, ends, duplicates > 0),
      };
    } catch (error) {
      batch.undo();
      throw error;
    }
  };

  return async (name, originals, caller) => {
    const source = await ingest(name);
    for (;;) {
      const result = await attempt(source, originals, caller);
      if (result !== null) return result;
    }
  };
};
