/**
 * Imports events from before this log, each with the time at which it became known. What the log
 * itself has answered never changes: a known time at or after the first live event is refused, and
 * would not count (`domain/sources/knowledge.ts`).
 *
 * The audit record is written before the events: there is no import without one. Where the append
 * then fails and is repeated, there are two records with the same numbers.
 */
import type { CommandBus } from '#commands/command-bus.ts';
import { type Caller, recordedCaller } from '#domain/api/caller.ts';
import type { ImportRequest, PublishResult } from '#domain/api/publishing.ts';
import { fail } from '#domain/errors.ts';
import { streamOf } from '#domain/registry/events.ts';
import type { Imports } from '#domain/sources/knowledge.ts';
import type { Row } from '#domain/values/value.ts';
import type { IngestedBatch } from './ingest-batch.ts';
import type { Publish } from './publish.ts';
import type { SourceIngest } from './source-ingest.ts';

interface ImportDependencies {
  readonly publish: Publish;
  /** @throws MR_UNKNOWN_SOURCE */
  readonly ingest: (source: string) => Promise<SourceIngest>;
  readonly imports: (source: string) => Promise<Imports | null>;
  readonly bus: Pick<CommandBus, 'record'>;
}

export type ImportHistory = (request: ImportRequest, caller: Caller) => Promise<PublishResult>;

export const createImportHistory = ({
  publish,
  ingest,
  imports,
  bus,
}: ImportDependencies): ImportHistory => {
  const audit = async (
    { source, producer, reason }: ImportRequest,
    { topic }: SourceIngest,
    field: string,
    { records, accepted }: IngestedBatch,
    caller: Caller,
  ): Promise<void> => {
    if (accepted === 0) return;
    let [knownFrom, knownTo] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const record of records) {
      if (record.topic !== topic) continue;
      const known = (record.decoded as Row)[field] as number;
      knownFrom = Math.min(knownFrom, known);
      knownTo = Math.max(knownTo, known);
    }
    const data = { source, events: accepted, knownFrom, knownTo, producer: producer ?? null };
    await bus.record(streamOf('source', source), {
      command: {
        type: 'ImportHistory',
        data,
        ...recordedCaller(caller),
        reason: reason ?? null,
      },
      events: [{ type: 'HistoryImported', data }],
    });
  };

  return async (request, caller) => {
    const source = await ingest(request.source);
    const found = await imports(request.source);
    if (found === null)
      return fail(
        'MR_KNOWN_TIME_INVALID',
        `source "${request.source}" takes no history: add a field of type timestamp? for the known time, and name it with knownTime`,
        { source: request.source },
      );
    return publish(request, caller, {
      rules: found,
      beforeAppend: (batch) => audit(request, source, found.field, batch, caller),
    });
  };
};
