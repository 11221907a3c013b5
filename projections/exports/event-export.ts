/**
 * All accepted events of a source, in the form in which they can be published again: those that the
 * log no longer has from the history, the others from the log, partition by partition, up to its
 * end when the export began.
 */

import type { SourceDefinition } from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import type { History } from '#domain/ports/history.ts';
import type { Log } from '#domain/ports/log.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import type { Row } from '#domain/values/value.ts';

interface EventExportDependencies {
  readonly log: Log;
  readonly history: Pick<History, 'scan' | 'endOffsets'>;
  readonly source: (name: string) => SourceDefinition | null;
  /** decodes a record to a row of the source's newest version */
  readonly decode: (schemaId: number, value: Uint8Array) => Row;
}

export const createEventExport = ({ log, history, source, decode }: EventExportDependencies) => {
  async function* trimmed(
    definition: SourceDefinition,
    begin: readonly number[],
  ): AsyncGenerator<readonly Row[]> {
    const topic = rawTopic(definition.name);
    const endOffsets = await history.endOffsets(topic);
    if (begin.some((offset, p) => (endOffsets[p] ?? 0) < offset))
      fail(
        'MR_STORAGE_FAILED',
        `${topic} begins at ${begin.join(', ')}, and its history ends before that`,
        {
          topic,
        },
      );
    const query = { source: definition.name, below: begin, fields: Object.keys(definition.fields) };
    for await (const events of history.scan(query)) yield events.map(({ row }) => row);
  }

  async function* kept(
    topic: string,
    partition: number,
    begin: number,
    end: number,
  ): AsyncGenerator<readonly Row[]> {
    for await (const records of readPartition(log, topic, partition, { from: begin, end }))
      yield records.map(({ schemaId, value }) => decode(schemaId, value));
  }

  return async (name: string): Promise<AsyncIterable<readonly Row[]>> => {
    const definition = source(name);
    if (definition === null)
      return fail('MR_UNKNOWN_SOURCE', `there is no source "${name}"`, { source: name });
    const topic = rawTopic(name);
    const [begin, ends] = await Promise.all([log.begin(topic), log.end(topic)]);
    return (async function* () {
      if (begin.some((offset) => offset > 0)) yield* trimmed(definition, begin);
      for (const [partition, end] of ends.entries())
        yield* kept(topic, partition, begin[partition] ?? 0, end);
    })();
  };
};
