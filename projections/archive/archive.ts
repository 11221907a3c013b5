/** The archive of the embedded log: raw events that were trimmed, read from their history. */
import { fail, hasCode, MillraceError } from '#domain/errors.ts';
import type { Archive, ArchivedPartition } from '#domain/ports/archive.ts';
import type { ErasedOffsets } from '#domain/ports/erased.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import type { KeptRecords, TransactionalLog } from '#domain/ports/stream-task.ts';
import { isRawTopic, nameOfTopic } from '#domain/ports/topics.ts';
import { refuseTrimmed } from '#domain/sources/horizon.ts';
import { rowEncoder } from '#domain/sources/raw-records.ts';
import type { Row } from '#domain/values/value.ts';
import { type ArchivedBlock, type ArchivedEvent, archivedBlock } from './archived-block.ts';

interface ArchiveDependencies {
  readonly history: Pick<HistoryTables, 'eventsAt' | 'offsetAt' | 'horizon'>;
  readonly schemas: Pick<SchemaRegistry, 'versions' | 'schema'>;
  /** The erased offsets of [from, below) of a partition. */
  readonly erased?: ErasedOffsets;
  /** of records that are read of the history at once, about */
  readonly blockBytes?: number;
}

/** Records that one read gives. */
const READ_OFFSETS = 32_768;
/** Of the history more is read at once: files are sorted by key, so a small read costs as much. */
const BLOCK_OFFSETS = 131_072;
const LEAST_OFFSETS = 1_024;
const BLOCK_BYTES = 16 * 1024 * 1024;
/** Blocks whose last record was not read yet. */
const MOST_BLOCKS = 4;
const MAX_CACHED = 1_000;

interface HeldBlock extends ArchivedPartition {
  readonly from: number;
  readonly below: number;
  readonly block: Promise<ArchivedBlock>;
}

export const createArchive = ({
  history,
  schemas,
  erased = () => [],
  blockBytes = BLOCK_BYTES,
}: ArchiveDependencies): Archive => {
  /** `topic partition time` → offset; what was trimmed never changes */
  const offsets = new Map<string, number>();
  /** by topic: how many offsets have about that many bytes */
  const sizes = new Map<string, number>();
  let held: readonly HeldBlock[] = [];

  const load = async (
    { topic, partition }: ArchivedPartition,
    from: number,
    below: number,
  ): Promise<ArchivedBlock> => {
    const source = nameOfTopic(topic);
    const [found, encode] = await Promise.all([
      history.eventsAt(source, { partition, from, below }),
      rowEncoder(schemas, source),
    ]);
    const horizon = found[0]?.offset === from ? null : await history.horizon(topic);
    if (horizon !== null && from < (horizon.begin[partition] ?? 0))
      refuseTrimmed(source, horizon.time, 'All events are needed');
    const gaps = new Set(erased(topic, partition, from, below));
    let next = 0;
    let logTime = 0;
    const events = Array.from({ length: below - from }, (_, i): ArchivedEvent => {
      const offset = from + i;
      const event = found[next];
      if (event?.offset !== offset && gaps.has(offset)) return { logTime, row: null };
      if (event?.offset !== offset)
        return fail(
          'MR_DATA_DAMAGED',
          `the history of ${topic} lacks offset ${offset} of partition ${partition}, which was trimmed from the log: run \`millrace verify\`, or restore a backup`,
          { topic, partition, offset },
        );
      next++;
      logTime = event.logTime;
      return { logTime, row: encode(event.row as Row) };
    });
    return archivedBlock(topic, partition, from, events);
  };

  const drop = (one: HeldBlock): void => {
    held = held.filter((other) => other !== one);
  };
  const open = (at: ArchivedPartition, from: number, end: number): HeldBlock => {
    const below = Math.min(end, from + (sizes.get(at.topic) ?? READ_OFFSETS));
    const opened = { ...at, from, below, block: load(at, from, below) };
    held = [...held.slice(1 - MOST_BLOCKS), opened];
    opened.block.then(
      ({ bytes }) => {
        const fitting = Math.floor((blockBytes * (below - from)) / Math.max(1, bytes));
        sizes.set(at.topic, Math.max(LEAST_OFFSETS, Math.min(BLOCK_OFFSETS, fitting)));
      },
      () => drop(opened),
    );
    return opened;
  };
  const holding = ({ topic, partition }: ArchivedPartition, offset: number) =>
    held.find(
      (one) =>
        one.topic === topic &&
        one.partition === partition &&
        one.from <= offset &&
        offset < one.below,
    );

  return {
    async read({ topic, partition }, from, below) {
      const at = { topic, partition };
      const found = holding(at, from) ?? open(at, from, below);
      const until = Math.min(below, found.below, from + READ_OFFSETS);
      const records = (await found.block).records(from, until);
      if (until === found.below) drop(found);
      return records;
    },
    async offsetAt({ topic, partition }, below, time) {
      const id = `${topic} ${partition} ${time}`;
      const known = offsets.get(id);
      if (known !== undefined && known < below) return known;
      const found = await history.offsetAt(topic, { partition, from: 0, below }, time);
      if (found !== null) {
        if (offsets.size >= MAX_CACHED) offsets.clear();
        offsets.set(id, found);
      }
      return found;
    },
  };
};

interface Topics {
  topics(): Promise<readonly { readonly topic: string }[]>;
}

interface TrimmedLog extends Topics {
  kept(topic: string): readonly KeptRecords[];
}

/** Tells the log where the history of each source begins. */
export const readHorizons = async (
  log: TrimmedLog & Pick<TransactionalLog, 'setHorizon'>,
  history: Pick<HistoryTables, 'horizon'>,
): Promise<void> => {
  for (const { topic } of await log.topics()) {
    if (!isRawTopic(topic)) continue;
    // The history keeps at least what the log still has, so nothing was deleted from it.
    if (log.kept(topic).every(({ begin }) => begin === 0)) continue;
    try {
      const horizon = await history.horizon(topic);
      if (horizon !== null) log.setHorizon(topic, horizon);
    } catch (error) {
      // A damaged table: the reads that need it say so, and other tables can be used.
      if (!(error instanceof MillraceError) || error.code !== 'MR_DATA_DAMAGED') throw error;
    }
  }
};

/**
 * A log that was trimmed needs the history beside it: without it, or with an older one, events
 * would be missing.
 * @throws MR_DATA_MIXED
 */
export const assertHistoryHasTrimmed = async (
  log: TrimmedLog,
  history: Pick<HistoryTables, 'endOffsets'>,
): Promise<void> => {
  for (const { topic } of await log.topics()) {
    if (!isRawTopic(topic)) continue;
    const begins = log.kept(topic).map(({ begin }) => begin);
    if (begins.every((begin) => begin === 0)) continue;
    let ends: readonly number[];
    try {
      ends = await history.endOffsets(topic);
    } catch (error) {
      // A damaged table: the reads that need it say so, and other tables can be used.
      if (hasCode(error, 'MR_DATA_DAMAGED')) continue;
      throw error;
    }
    begins.forEach((begin, partition) => {
      const end = ends[partition] ?? 0;
      if (begin > end)
        fail(
          'MR_DATA_MIXED',
          `The log has ${topic} from offset ${begin} of partition ${partition} on, and its history ends at ${end}: the events between are missing. Put back the history that belongs to this database, or restore a backup.`,
          { topic, partition, begin, end },
        );
    });
  }
};
