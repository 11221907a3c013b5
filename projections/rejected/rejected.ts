/** Rejected events: listed from rejected.<source>, and published again, corrected or not. */

import type { Caller } from '#domain/api/caller.ts';
import type {
  Publishing,
  PublishResult,
  RejectedEvent,
  RejectedRecord,
} from '#domain/api/publishing.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import { decodeRejectedEvent } from '#domain/events/rejected-event.ts';
import type { Log, LogRecord } from '#domain/ports/log.ts';
import { parsePosition } from '#domain/ports/position.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import { rejectedTopic } from '#domain/ports/topics.ts';
import { parseExactJson } from '#domain/values/exact-json.ts';
import type { Resent, ResentEvents } from './resent.ts';

interface RejectedDependencies {
  readonly log: Log;
  /** @throws MR_UNKNOWN_SOURCE */
  readonly source: (name: string) => SourceDefinition;
  readonly resent: ResentEvents;
  readonly resend: (
    source: string,
    originals: readonly { readonly offset: number; readonly event: unknown }[],
    caller: Caller,
  ) => Promise<PublishResult>;
}

export const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

const parseJson = (text: string): unknown => {
  try {
    return parseExactJson(text);
  } catch {
    return text;
  }
};

const eventOf = ({ value }: LogRecord): unknown => parseJson(decodeRejectedEvent(value).event);

const show = (record: LogRecord, resent: Resent | undefined): RejectedRecord => {
  const { code, field, message, event } = decodeRejectedEvent(record.value);
  return {
    position: `${record.topic}@0:${record.offset}`,
    logTime: record.logTime,
    code,
    field,
    message,
    event: parseJson(event),
    resent: resent ?? null,
  };
};

export const createRejected = ({
  log,
  source,
  resent,
  resend,
}: RejectedDependencies): Pick<Publishing, 'rejected' | 'resendRejected'> => {
  const topicOf = (name: string): string => {
    source(name);
    return rejectedTopic(name);
  };
  const read = async (topic: string, offset: number, limit: number): Promise<LogRecord[]> => {
    const found: LogRecord[] = [];
    for await (const records of readPartition(log, topic, 0, { from: offset })) {
      found.push(...records.slice(0, limit - found.length));
      if (found.length >= limit) break;
    }
    return found;
  };

  return {
    async rejected(name, query) {
      const topic = topicOf(name);
      const limit = Math.min(query.limit ?? DEFAULT_LIMIT, MAX_LIMIT);
      const total = (await log.end(topic))[0] ?? 0;
      const from =
        query.after === undefined ? 0 : (parsePosition(query.after, topic)[0]?.offset ?? 0) + 1;
      // One more than the page tells whether there is a next one: offsets may have gaps.
      const found = await read(topic, from, limit + 1);
      const again = await resent(name);
      const records = found.slice(0, limit).map((record) => show(record, again.get(record.offset)));
      const last = records.at(-1);
      const more = last !== undefined && found.length > limit;
      return { total, records, next: more ? last.position : null };
    },

    async resendRejected(name, request, caller) {
      const topic = topicOf(name);
      const { positions, events } = request;
      if (events !== undefined && events.length !== positions.length) {
        fail(
          'MR_BODY_INVALID',
          `${positions.length} positions and ${events.length} corrected events: give one event a position, or no events to send the same again`,
        );
      }
      const originals: { readonly offset: number; readonly event: unknown }[] = [];
      const indexes: number[] = [];
      const refused: RejectedEvent[] = [];
      for (const [i, position] of positions.entries()) {
        const offset = parsePosition(position, topic)[0]?.offset ?? -1;
        const [record] = await read(topic, offset, 1);
        if (record === undefined || record.offset !== offset) {
          return fail(
            'MR_NOT_FOUND',
            `there is no rejected event at ${position}: \`millrace rejected list ${name}\` shows what there is`,
            { position },
          );
        }
        // It may be an event of an import, which would now become a live one.
        const { code, message } = decodeRejectedEvent(record.value);
        if (events === undefined && code === 'MR_KNOWN_TIME_INVALID') {
          refused.push({ index: i, code, message });
          continue;
        }
        indexes.push(i);
        originals.push({ offset, event: events === undefined ? eventOf(record) : events[i] });
      }
      const result = await resend(name, originals, caller);
      const again = result.rejected.map((event) => ({
        ...event,
        index: indexes[event.index] as number,
      }));
      return {
        ...result,
        rejected: [...again, ...refused].sort((a, b) => a.index - b.index),
      };
    },
  };
};
