/**
 * How many records a topic has had. Where offsets are given to markers too, records are counted: up
 * to the history's end offsets its table has the number, and the rest is read from the log, each
 * record once. So a count reads what came since the last one, or since the last commit of the
 * history.
 */
import type { HistorySnapshot } from '#domain/ports/history.ts';
import type { Log } from '#domain/ports/log.ts';
import { readPartition } from '#domain/ports/read-partition.ts';

/**
 * Of a topic without a history: the records that the log still had at the first count, and all
 * later ones.
 * @param snapshot of the topic's table; null: it has none
 */
export type RecordCounts = (topic: string, snapshot: HistorySnapshot | null) => Promise<number>;

interface Counted {
  /** next offset by partition: every record before it is counted */
  readonly next: readonly number[];
  readonly records: number;
}

const READ_BYTES = 1024 * 1024;
const NOTHING: Counted = { next: [], records: 0 };
const total = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** What the table has, unless the count is further in some partition. */
const further = (counted: Counted, snapshot: HistorySnapshot | null): Counted =>
  snapshot !== null &&
  counted.next.every((offset, partition) => (snapshot.endOffsets[partition] ?? 0) >= offset)
    ? { next: snapshot.endOffsets, records: snapshot.rows }
    : counted;

export const createRecordCounts = (log: Pick<Log, 'end' | 'read' | 'hasMarkers'>): RecordCounts => {
  const counts = new Map<string, Counted>();
  /** topic → the last count under way */
  const turns = new Map<string, Promise<unknown>>();

  const advance = async (topic: string, snapshot: HistorySnapshot | null): Promise<number> => {
    const from = further(counts.get(topic) ?? NOTHING, snapshot);
    const ends = await log.end(topic);
    const read = await Promise.all(
      ends.map(async (end, partition) => {
        let records = 0;
        const range = { from: from.next[partition] ?? 0, end, maxBytes: READ_BYTES };
        for await (const batch of readPartition(log, topic, partition, range))
          records += batch.length;
        return records;
      }),
    );
    const counted = {
      next: ends.map((end, partition) => Math.max(end, from.next[partition] ?? 0)),
      records: from.records + total(read),
    };
    counts.set(topic, counted);
    return counted.records;
  };

  return async (topic, snapshot) => {
    if (log.hasMarkers !== true) return total(await log.end(topic));
    const turn = (turns.get(topic) ?? Promise.resolve())
      .catch(() => {})
      .then(() => advance(topic, snapshot));
    turns.set(topic, turn);
    return turn;
  };
};
