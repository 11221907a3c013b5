/** The events of one request as the records of one append, and what to answer. */
import type { Caller } from '#domain/api/caller.ts';
import type { RejectedEvent } from '#domain/api/publishing.ts';
import { type Appended, formatPosition, type Log, type OutgoingRecord } from '#domain/ports/log.ts';
import type { Imports } from '#domain/sources/knowledge.ts';
import { ingestEvent } from './ingest-event.ts';
import type { SourceIngest } from './source-ingest.ts';

export interface IngestedBatch {
  readonly records: readonly OutgoingRecord[];
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly RejectedEvent[];
  /** forgets the event ids; called where the append failed */
  readonly undo: () => void;
}

export const ingestBatch = (
  source: SourceIngest,
  events: readonly unknown[],
  time: number,
  caller: Caller,
  imports?: Imports,
): IngestedBatch => {
  const records: OutgoingRecord[] = [];
  const rejected: RejectedEvent[] = [];
  const ids: string[] = [];
  let duplicates = 0;
  let accepted = 0;
  for (let index = 0; index < events.length; index++) {
    const ingested = ingestEvent(source, events[index], time, caller.actor, imports);
    if (ingested.kind === 'duplicate') {
      duplicates++;
      continue;
    }
    // Rejected records have the trace, too: it leads to the request that sent them.
    records.push(
      caller.trace === undefined
        ? ingested.record
        : { ...ingested.record, headers: { ...caller.trace } },
    );
    if (ingested.kind === 'rejected') {
      const { code, field, message } = ingested.reason;
      rejected.push({ index, code, message, ...(field === null ? {} : { field }) });
    } else {
      accepted++;
      if (ingested.id !== null) ids.push(ingested.id);
    }
  }
  return {
    records,
    accepted,
    duplicates,
    rejected,
    undo() {
      for (const id of ids) source.dedupe?.remove(id);
    },
  };
};

/**
 * The position after which every event of a request can be read. The first copy of a duplicate lies
 * anywhere before the end of the topic. Without duplicates the ends of the append suffice; the
 * topic's may lie past its last record.
 */
export const positionAfter = async (
  log: Log,
  topic: string,
  written: Appended['ends'],
  hasDuplicates: boolean,
): Promise<string> => {
  const own = written.filter((end) => end.topic === topic);
  const ends = new Map(own.map(({ partition, offset }) => [partition, offset]));
  if (own.length === 0 || hasDuplicates)
    for (const [partition, offset] of (await log.end(topic)).entries())
      if (!ends.has(partition)) ends.set(partition, offset);
  return formatPosition(
    topic,
    [...ends]
      .map(([partition, offset]) => ({ partition, offset }))
      .sort((a, b) => a.partition - b.partition),
  );
};
