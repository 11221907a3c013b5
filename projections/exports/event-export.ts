/**
 * All accepted events of a source, in the form in which they can be published again: those that the
 * log no longer has from the history, the others from the log, partition by partition, up to its
 * end when the export began. Floats have their own digits. A time that would look like seconds is
 * text.
 */

import type { SourceDefinition } from '#domain/definitions/model.ts';
import { assertEvents } from '#domain/ports/events-lost.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import type { Log } from '#domain/ports/log.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import { rowsShown } from '#domain/values/float-digits.ts';
import { formatTime, looksLikeSeconds } from '#domain/values/time.ts';
import type { Row, Value } from '#domain/values/value.ts';

interface EventExportDependencies {
  readonly log: Log;
  readonly history: Pick<HistoryTables, 'scan' | 'endOffsets' | 'horizon'>;
  /** @throws MR_UNKNOWN_SOURCE */
  readonly source: (name: string) => SourceDefinition;
  /** decodes a record to a row of the source's newest version */
  readonly decode: (schemaId: number, value: Uint8Array) => Row;
}

/** Rows of a source in a form that is accepted as the same row. */
const shownRow = (definition: SourceDefinition): ((row: Row) => Row) => {
  const fields = sourceFields(definition);
  const show = rowsShown(fields);
  const times = Object.keys(fields).filter((name) => fields[name]?.base === 'timestamp');
  const asSent = (value: Value): Value => {
    if (Array.isArray(value)) return value.map(asSent);
    return typeof value === 'number' && looksLikeSeconds(value) ? formatTime(value) : value;
  };
  return (row) => ({
    ...show(row),
    ...Object.fromEntries(times.map((name) => [name, asSent(row[name] ?? null)])),
  });
};

export const createEventExport = ({ log, history, source, decode }: EventExportDependencies) => {
  async function* trimmed(
    definition: SourceDefinition,
    begin: readonly number[],
  ): AsyncGenerator<readonly Row[]> {
    const topic = rawTopic(definition.name);
    assertEvents(topic, begin, await history.endOffsets(topic));
    const query = {
      source: definition.name,
      below: begin,
      fields: Object.keys(definition.fields),
      remaining: true,
    } as const;
    const show = shownRow(definition);
    for await (const events of history.scan(query)) yield events.map(({ row }) => show(row));
  }

  async function* kept(
    definition: SourceDefinition,
    partition: number,
    begin: number,
    end: number,
  ): AsyncGenerator<readonly Row[]> {
    const show = shownRow(definition);
    const topic = rawTopic(definition.name);
    for await (const records of readPartition(log, topic, partition, { from: begin, end }))
      yield records.map(({ schemaId, value }) => show(decode(schemaId, value)));
  }

  return async (name: string): Promise<AsyncIterable<readonly Row[]>> => {
    const definition = source(name);
    const topic = rawTopic(name);
    const [begin, ends] = await Promise.all([log.begin(topic), log.end(topic)]);
    return (async function* () {
      // Deleted events are no part of an export.
      const deleted = (await history.horizon(topic))?.begin ?? [];
      if (begin.some((offset, partition) => offset > (deleted[partition] ?? 0)))
        yield* trimmed(definition, begin);
      for (const [partition, end] of ends.entries())
        yield* kept(definition, partition, begin[partition] ?? 0, end);
    })();
  };
};
