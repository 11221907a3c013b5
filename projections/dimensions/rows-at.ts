/**
 * The rows of a dimension at a time: of each key the newest event up to then, unless it is a
 * tombstone. It reads all events of the source: from the history those that the log no longer has,
 * the others from the log.
 */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { encodeKey } from '#domain/plan/entity-key.ts';
import { assertEvents } from '#domain/ports/events-lost.ts';
import type { History } from '#domain/ports/history.ts';
import type { Log } from '#domain/ports/log.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import { eventTimeOf } from '#domain/sources/event-time.ts';
import type { Row, Scalar } from '#domain/values/value.ts';

interface RowsAtDependencies {
  readonly log: Pick<Log, 'begin' | 'end' | 'read'>;
  readonly history: Pick<History, 'scan' | 'endOffsets'>;
  /** decodes a record to a row of the source's newest version */
  readonly decode: (schemaId: number, value: Uint8Array) => Row;
}

/** encoded key → row */
export type RowsAt = (source: SourceDefinition, at: number) => Promise<ReadonlyMap<string, Row>>;

interface Newest {
  readonly row: Row;
  readonly eventTime: number;
  readonly partition: number;
  readonly offset: number;
}

const isLater = (a: Newest, b: Newest): boolean =>
  (a.eventTime - b.eventTime || a.partition - b.partition || a.offset - b.offset) > 0;

export const createRowsAt =
  ({ log, history, decode }: RowsAtDependencies): RowsAt =>
  async (source, at) => {
    const { key = [], deleted } = source.dimension ?? {};
    const topic = rawTopic(source.name);
    const timeOf = eventTimeOf(source);
    const newest = new Map<string, Newest>();
    const add = (event: Newest): void => {
      if (event.eventTime > at) return;
      const id = encodeKey(key.map((field) => event.row[field] as Scalar));
      const before = newest.get(id);
      if (before === undefined || isLater(event, before)) newest.set(id, event);
    };

    const [begin, ends] = await Promise.all([log.begin(topic), log.end(topic)]);
    if (begin.some((offset) => offset > 0)) {
      assertEvents(topic, begin, await history.endOffsets(topic));
      const fields = Object.keys(source.fields);
      for await (const events of history.scan({
        source: source.name,
        below: begin,
        to: at,
        fields,
      }))
        events.forEach(add);
    }
    for (const [partition, end] of ends.entries())
      for await (const records of readPartition(log, topic, partition, {
        from: begin[partition] ?? 0,
        end,
      }))
        for (const { schemaId, value, offset } of records) {
          const row = decode(schemaId, value);
          add({ row, eventTime: timeOf(row), partition, offset });
        }
    return new Map(
      [...newest].flatMap(([id, { row }]) =>
        deleted !== undefined && row[deleted] === true ? [] : [[id, row] as const],
      ),
    );
  };
