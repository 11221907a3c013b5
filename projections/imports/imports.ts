/**
 * Which field of a source marks imported events, and when its first live event was accepted.
 *
 * Imported events may come first, by the million. So the log is searched once: the position of the
 * search is kept in the log, as that of a consumer. It stops at the first live event of each
 * partition. Where the log no longer has the beginning of the topic, the history answers for it.
 */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import type { Log } from '#domain/ports/log.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import { newestVersion } from '#domain/registry/state.ts';
import type { Imports } from '#domain/sources/knowledge.ts';
import type { RawDecoders } from '#domain/sources/raw-decoders.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';

interface ImportsDependencies {
  readonly catalog: Pick<Catalog, 'stream'>;
  readonly log: Pick<Log, 'begin' | 'end' | 'committed' | 'append' | 'read'>;
  readonly history: Pick<HistoryTables, 'scanColumns'>;
  readonly decoders: Pick<RawDecoders, 'decode' | 'knownTime'>;
  readonly now: () => number;
}

/** null: the source takes no imported events */
export type FindImports = (source: string) => Promise<Imports | null>;

/** The consumer whose positions are those of the search. */
const CONSUMER = 'first-live-event';
/** How far the search goes before its position is kept again, in records. */
const KEEP_EVERY = 100_000;
/**
 * Partitions accept records independently: an append that is not visible yet may have a log time
 * that is this much earlier. A first live event that is older than this is final.
 */
const SETTLED_MS = 60_000;

interface Search {
  /** by partition: all events below are imported */
  readonly next: number[];
  /** by partition: log time of the first live event */
  readonly found: (number | undefined)[];
  kept: number;
}

export const createImports = (dependencies: ImportsDependencies): FindImports => {
  const { catalog, log, history, decoders, now } = dependencies;
  const searches = new Map<string, Search>();
  const final = new Map<string, number>();
  const running = new Map<string, Promise<number | null>>();

  const keep = async (topic: string, search: Search): Promise<void> => {
    const sum = search.next.reduce((all, offset) => all + offset, 0);
    if (sum === search.kept) return;
    search.kept = sum;
    const positions = search.next.map((offset, partition) => ({
      consumer: CONSUMER,
      topic,
      partition,
      offset,
    }));
    await log.append({ records: [], positions });
  };

  /** Of the events that the log no longer has: by partition, the first log time of a live one. */
  const inHistory = async (
    source: string,
    field: string,
    { next, found }: Search,
    begin: readonly number[],
  ): Promise<void> => {
    for await (const batch of history.scanColumns({ source, fields: [field], below: begin })) {
      const known = batch.columns[field] as ArrayLike<number | null>;
      for (let i = 0; i < batch.count; i++) {
        const [partition, time] = [batch.partition[i] as number, batch.logTime[i] as number];
        if (Number.isFinite(known[i] ?? Number.NaN)) continue;
        if ((batch.offset[i] as number) < (next[partition] ?? 0)) continue;
        found[partition] = Math.min(found[partition] ?? Number.POSITIVE_INFINITY, time);
      }
    }
  };

  const searchOn = async (source: string, field: string): Promise<number | null> => {
    const topic = rawTopic(source);
    const search = searches.get(source) ?? {
      next: [...(await log.committed(CONSUMER, topic))],
      found: [],
      kept: 0,
    };
    searches.set(source, search);
    const { next, found } = search;
    const [begin, ends] = await Promise.all([log.begin(topic), log.end(topic)]);
    if (begin.some((offset, p) => found[p] === undefined && offset > (next[p] ?? 0)))
      await inHistory(source, field, search, begin);
    for (const [partition, end] of ends.entries()) {
      if (found[partition] !== undefined) continue;
      const range = { from: Math.max(next[partition] ?? 0, begin[partition] ?? 0), end };
      next[partition] = range.from;
      for await (const records of readPartition(log, topic, partition, range)) {
        const live = records.find(
          ({ schemaId, value }) =>
            decoders.knownTime(source, decoders.decode(schemaId, value)) === null,
        );
        next[partition] = live?.offset ?? (records.at(-1)?.offset ?? 0) + 1;
        if (live === undefined) continue;
        found[partition] = live.logTime;
        break;
      }
    }
    const first = Math.min(Number.POSITIVE_INFINITY, ...found.filter((time) => time !== undefined));
    const isFinal = first < now() - SETTLED_MS;
    const sum = next.reduce((all, offset) => all + offset, 0);
    if (isFinal || sum - search.kept >= KEEP_EVERY) await keep(topic, search);
    if (isFinal) final.set(source, first);
    return first === Number.POSITIVE_INFINITY ? null : first;
  };

  return async (source) => {
    const state = catalog.stream('source', source)?.state;
    const definition = state && (newestVersion(state)?.definition as SourceDefinition | undefined);
    const field = definition?.knownTime;
    if (field === undefined) return null;
    const known = final.get(source);
    if (known !== undefined) return { field, firstLive: known };
    // A second search waits for the one that runs, and then starts from its end.
    const before = running.get(source)?.catch(() => null) ?? Promise.resolve();
    const turn = before.then(() => final.get(source) ?? searchOn(source, field));
    running.set(source, turn);
    return { field, firstLive: await turn };
  };
};
