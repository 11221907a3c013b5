/**
 * The raw events of some entities: from the history up to its end offsets, then from the log. There
 * is no gap and no overlap, because the history's tables have their end offsets.
 */

import { assertEvents } from '#domain/ports/events-lost.ts';
import type { EventQuery, HistoryTables } from '#domain/ports/history.ts';
import type { Log } from '#domain/ports/log.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import { isKnown, type Knowledge } from '#domain/sources/knowledge.ts';
import type { RawEvent, Row } from '#domain/values/value.ts';

interface RawEventsDependencies {
  readonly log: Pick<Log, 'begin' | 'end' | 'read'>;
  readonly history: Pick<HistoryTables, 'endOffsets' | 'events' | 'horizon'>;
  /** the source's row and event time from a record's value */
  readonly decode: (
    source: string,
    schemaId: number,
    value: Uint8Array,
  ) => { readonly row: Row; readonly eventTime: number };
}

export type RawEventsQuery = Omit<EventQuery, 'below' | 'snapshot' | 'where'> & {
  /** only events that were known; absent: all */
  readonly knowledge?: Knowledge;
  /** only as far back as the history goes, where its older events were deleted */
  readonly lookBack?: boolean;
};

export type RawEvents = (query: RawEventsQuery) => Promise<readonly RawEvent[]>;

/** The query with rows that have this field, too. */
const withField = (query: EventQuery, field: string): EventQuery =>
  query.fields === undefined ? query : { ...query, fields: [...new Set([...query.fields, field])] };

const byOrder = (a: RawEvent, b: RawEvent): number =>
  a.eventTime - b.eventTime || a.partition - b.partition || a.offset - b.offset;

export const createRawEvents = ({ log, history, decode }: RawEventsDependencies): RawEvents => {
  const matches = ({ anyOf = [] }: Pick<EventQuery, 'anyOf'>): ((row: Row) => boolean) => {
    const [first = {}, ...others] = anyOf;
    const values = Object.entries(first);
    if (others.length === 0) return (row) => values.every(([field, v]) => row[field] === v);
    const keyOf = (row: Row): string => JSON.stringify(values.map(([field]) => row[field] ?? null));
    const wanted = new Set(anyOf.map(keyOf));
    return (row) => wanted.has(keyOf(row));
  };

  const tail = async (
    query: Omit<EventQuery, 'snapshot'>,
    endOffsets: readonly number[],
  ): Promise<RawEvent[]> => {
    const topic = rawTopic(query.source);
    const [begin, ends] = await Promise.all([log.begin(topic), log.end(topic)]);
    // On the stack, the log deletes by itself.
    assertEvents(topic, begin, endOffsets);
    const wanted = matches(query);
    const found: RawEvent[] = [];
    for (const [partition, end] of ends.entries()) {
      const stop = Math.min(end, query.below?.[partition] ?? end);
      const range = { from: endOffsets[partition] ?? 0, end: stop };
      for await (const records of readPartition(log, topic, partition, range)) {
        for (const record of records) {
          const { row, eventTime } = decode(query.source, record.schemaId, record.value);
          if (query.from !== undefined && eventTime < query.from) continue;
          if (query.to !== undefined && eventTime > query.to) continue;
          if (!wanted(row)) continue;
          found.push({ row, eventTime, partition, offset: record.offset, logTime: record.logTime });
        }
      }
    }
    return found;
  };

  return async ({ knowledge, lookBack = false, ...asked }) => {
    const topic = rawTopic(asked.source);
    const horizon = lookBack ? await history.horizon(topic) : null;
    const wanted =
      horizon === null
        ? asked
        : { ...asked, from: Math.max(asked.from ?? Number.NEGATIVE_INFINITY, horizon.time) };
    if (horizon !== null && asked.to !== undefined && asked.to < horizon.time) return [];
    // An imported event may be known although its offset is not below.
    const imported = knowledge != null && knowledge.imported !== null;
    const query = imported
      ? withField(wanted, knowledge.imported.field)
      : knowledge === undefined
        ? wanted
        : { ...wanted, below: knowledge.below };
    // The table may grow between the two calls: rows past its end offsets come from the log.
    const endOffsets = await history.endOffsets(topic);
    const below = endOffsets.map((offset, partition) =>
      imported ? offset : Math.min(offset, knowledge?.below[partition] ?? offset),
    );
    const [old, recent] = await Promise.all([
      below.some((offset) => offset > 0)
        ? history.events({ ...query, below })
        : Promise.resolve([]),
      tail(query, endOffsets),
    ]);
    const events = recent.length === 0 ? old : [...old, ...recent].sort(byOrder);
    return imported ? events.filter((event) => isKnown(knowledge, event)) : events;
  };
};
