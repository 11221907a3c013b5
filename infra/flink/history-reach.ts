/**
 * Up to which offset the history has every record. Its table says up to which record; behind that
 * there may be offsets without a record (Kafka gives each transaction's marker one). Once Kafka has
 * deleted those, too, they look like lost events. So what is seen to be no record is noted while it
 * can still be read.
 */
import type { Log } from '#domain/ports/log.ts';
import type { OffsetSpan, TopicNote, TopicNotes } from '#domain/ports/topic-notes.ts';

export interface HistoryReach {
  /**
   * Next offset by partition: the history has every record below it.
   * @param table next offsets of the records in the table
   */
  readonly reached: (topic: string, table: readonly number[]) => Promise<readonly number[]>;
  /** Notes which offsets behind those of the table have no record. */
  readonly observe: (topic: string, table: readonly number[]) => Promise<void>;
  /** Notes that records below these offsets are going to be deleted by the platform itself. */
  readonly trims: (topic: string, below: readonly number[]) => Promise<void>;
  /** By partition: the platform itself deleted the records below; 0: it did not. */
  readonly trimmed: (topic: string) => Promise<readonly number[]>;
}

export interface HistoryReachOptions {
  readonly log: Pick<Log, 'begin' | 'end' | 'read'>;
  readonly notes: TopicNotes;
}

const NOTHING: TopicNote = { empty: [], trimmed: [] };
/** Only where the next record is matters. */
const READ_BYTES = 1;

const past = (offset: number, span: OffsetSpan | null | undefined): number =>
  span != null && span.from <= offset && offset < span.below ? span.below : offset;

/** Next offsets of a partition of a table: with the rows that will be erased, and without them. */
export interface ErasedEnds {
  readonly partition: number;
  readonly all: number;
  readonly staying: number;
}

/**
 * Notes, before the last rows of partitions are erased from the history and from the log, that no
 * record is left of them. The log may have deleted them before: then they would look like lost
 * events. Of a topic that has no note yet, the first look says the same.
 */
export const noteErasedEnds = async (
  notes: TopicNotes,
  topic: string,
  ends: readonly ErasedEnds[],
): Promise<void> => {
  const note = await notes.find(topic);
  const cut = ends.filter(({ all, staying }) => staying < all);
  if (note === null || cut.length === 0) return;
  const empty = [...note.empty];
  for (const { partition, all, staying } of cut)
    empty[partition] = { from: staying, below: past(all, note.empty[partition]) };
  await notes.write(topic, { ...note, empty: Array.from(empty, (span) => span ?? null) });
};

export const historyReach = ({ log, notes }: HistoryReachOptions): HistoryReach => {
  const update = async (topic: string, change: (note: TopicNote) => TopicNote): Promise<void> => {
    const before = await notes.find(topic);
    const after = change(before ?? NOTHING);
    if (JSON.stringify(after) !== JSON.stringify(before)) await notes.write(topic, after);
  };

  /** The offset of the next record from `from` on; the end where there is none; null: deleted. */
  const nextRecord = async (
    topic: string,
    partition: number,
    from: number,
    end: number,
  ): Promise<number | null> => {
    const records = await log.read(topic, partition, from, READ_BYTES);
    // Asked after the read, which would have begun later if something had been deleted.
    const begin = (await log.begin(topic))[partition] ?? 0;
    return begin > from ? null : Math.min(records[0]?.offset ?? end, end);
  };

  return {
    async reached(topic, table) {
      const begin = await log.begin(topic);
      if (begin.every((offset, partition) => offset <= (table[partition] ?? 0))) return table;
      const { empty } = (await notes.find(topic)) ?? NOTHING;
      return begin.map((_, partition) => past(table[partition] ?? 0, empty[partition]));
    },
    async observe(topic, table) {
      const [ends, note] = [await log.end(topic), await notes.find(topic)];
      const empty = await Promise.all(
        ends.map(async (end, partition): Promise<OffsetSpan | null> => {
          const before = note?.empty[partition] ?? null;
          const at = table[partition] ?? 0;
          const from = past(at, before);
          if (from >= end) return before;
          const next = await nextRecord(topic, partition, from, end);
          const begin = (await log.begin(topic))[partition] ?? 0;
          // The first look at a topic of an earlier release, or of a backup: what Kafka deleted
          // before that is not known, and was deleted after the history had it in all likelihood.
          const below = next ?? (note === null && table.length > 0 ? begin : from);
          return below > from || from > at
            ? { from: from > at ? (before?.from ?? at) : at, below }
            : null;
        }),
      );
      await update(topic, (one) => ({ ...one, empty }));
    },
    trims: (topic, below) =>
      update(topic, (note) => ({
        ...note,
        trimmed: below.map((offset, partition) => Math.max(offset, note.trimmed[partition] ?? 0)),
      })),
    trimmed: async (topic) => ((await notes.find(topic)) ?? NOTHING).trimmed,
  };
};
