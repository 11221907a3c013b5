/**
 * Trims the topics of the stack: the leading gateway deletes from Kafka what the history has, what
 * every running computation has read, and what is older than the log is to keep.
 *
 * Topics of feature updates are not trimmed: Kafka compacts them, and Redis and Paimon are filled
 * again from what is left.
 */
import { DEFAULT_DEDUPE_WINDOW } from '#commands/ingest/source-ingest.ts';
import { openRetention, type Retention } from '#commands/retention/retention.ts';
import type { TrimmableLog } from '#commands/retention/trimmable-log.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { Engine } from '#domain/ports/engine.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import { featureLogTopic, rawTopic } from '#domain/ports/topics.ts';
import { parseDuration } from '#domain/values/duration.ts';
import type { HistoryReach } from '#infra/flink/history-reach.ts';
import { computeGroup } from '#infra/flink/sql/names.ts';
import type { KafkaLog } from '#infra/kafka/log.ts';

/** Where only one of several pieces of work may run at a time. */
export type Exclusive = <T>(work: () => Promise<T>) => Promise<T>;

export const exclusive = (): Exclusive => {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work, work);
    last = next.catch(() => {});
    return next;
  };
};

export interface StackRetentionOptions {
  readonly log: Pick<KafkaLog, 'topics' | 'kept' | 'offsetsAt' | 'committed' | 'trim' | 'read'>;
  readonly history: Pick<HistoryTables, 'endOffsets' | 'count' | 'horizon'>;
  readonly reach: Pick<HistoryReach, 'trims'>;
  /** so that no job starts at a begin that is about to move */
  readonly exclusively: Exclusive;
  readonly running: Engine['running'];
  readonly sources: () => readonly SourceDefinition[];
  /** services whose answers are logged */
  readonly services: () => readonly string[];
  /** whether this process trims now: it leads, and runs what the registry wants */
  readonly mayTrim: () => boolean;
  readonly keepMs: number;
  readonly now: () => number;
  readonly warn: (message: string) => void;
  readonly everyMs?: number;
}

/** A gateway that starts reads the ids of the window from the log. */
const START_MS = 60_000;

/**
 * Whether every computation of a topic has a checkpoint past its first records. Read from Kafka and
 * not from what reads see: a job that starts without its state goes back.
 */
const isComputed = async (
  { log, running }: Pick<StackRetentionOptions, 'log' | 'running'>,
  topic: string,
  partition: number,
  before: number,
): Promise<boolean> => {
  const groups = running()
    .filter(({ spec }) => rawTopic(spec.source.name) === topic)
    .map(({ spec }) => computeGroup(spec.view, spec.generation));
  const read = await Promise.all(groups.map((group) => log.committed(group, topic)));
  return read.every((offsets) => (offsets[partition] ?? 0) >= before);
};

const trimmable = ({
  log,
  reach,
  exclusively,
  running,
  mayTrim,
  sources,
  services,
}: StackRetentionOptions): TrimmableLog => ({
  async topics() {
    const own = new Set([
      ...sources().map(({ name }) => rawTopic(name)),
      ...services().map(featureLogTopic),
    ]);
    return (await log.topics()).filter(({ topic }) => own.has(topic));
  },
  kept: log.kept,
  keptOffsetsAt: log.offsetsAt,
  async count(topic, { partition, from, below }) {
    let records = 0;
    for await (const batch of readPartition(log, topic, partition, { from, end: below }))
      records += batch.length;
    return records;
  },
  trim: (topic, partition, before, isRead) =>
    exclusively(async () => {
      if (!(await isComputed({ log, running }, topic, partition, before))) return;
      if (!mayTrim() || !isRead()) return;
      const below = Array.from({ length: partition + 1 }, (_, p) => (p === partition ? before : 0));
      await reach.trims(topic, below);
      await log.trim(topic, below);
    }),
});

export const openStackRetention = (options: StackRetentionOptions): Retention => {
  const { history, running, sources, mayTrim, keepMs, now, warn, everyMs } = options;
  const windows = (): ReadonlyMap<string, number> =>
    new Map(
      sources().flatMap(({ name, eventId, dedupeWindow = DEFAULT_DEDUPE_WINDOW }) =>
        eventId === undefined ? [] : [[rawTopic(name), parseDuration(dedupeWindow) + START_MS]],
      ),
    );
  // Sources that do not keep their history are refused: no horizon moves.
  const log = { ...trimmable(options), setHorizon: () => {} };
  return openRetention(
    {
      log,
      history,
      running,
      isCurrent: mayTrim,
      now,
      keepMs,
      warn,
      atLeast: (topic) => windows().get(topic) ?? 0,
      resumesInLog: true,
    },
    everyMs,
  );
};
