/**
 * Which events are late, while a generation is computed again from the first event.
 *
 * An event is decided once. What the lost run had decided is stored: late.<view> has the events
 * that it left out, and all others below its positions counted. Later events are decided here,
 * within the appends, with the watermark that it had reached. So the computation, which can take
 * minutes, finds every decision made; and reads, which fold raw events until it is done, leave the
 * same events out.
 *
 * When the computation has caught up, it decides itself again, with its own watermark: the largest
 * of the events that it counted, in whatever order they are read. That is the same one, unless the
 * event that had it was erased, or deleted with the history. Then it is lower until newer events
 * come, and some of these count that would have been late. Each is decided once all the same.
 */
import type { GenerationSpec } from '#domain/ports/engine.ts';
import type { LogRecord, OutgoingRecord } from '#domain/ports/log.ts';
import type { StreamTask, TransactionalLog } from '#domain/ports/stream-task.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import { eventTimeOf } from '#domain/sources/event-time.ts';
import { type RawDecoders, rowOf } from '#domain/sources/raw-decoders.ts';
import { closesTiles, closingTime, widestHopMs } from '#domain/tiles/lateness.ts';
import type { LateRecords } from './late-records.ts';
import {
  consumerOf,
  decidedConsumer,
  storedWatermark,
  watermarkPosition,
} from './start-offsets.ts';

export interface LateDecisions {
  /** null: not decided yet */
  readonly isLate: (record: Pick<LogRecord, 'partition' | 'offset'>) => boolean | null;
  readonly stop: () => Promise<void>;
}

interface Dependencies {
  readonly log: TransactionalLog;
  readonly decoders: RawDecoders;
  readonly late: LateRecords;
  /** by partition: no event below is late by the watermark, because a replay took it in */
  readonly started: readonly number[];
}

const idOf = ({ partition, offset }: Pick<LogRecord, 'partition' | 'offset'>): string =>
  `${partition}:${offset}`;

/** @returns null where the generation computes nothing again */
export const openLateDecisions = async (
  spec: GenerationSpec,
  { log, decoders, late, started }: Dependencies,
): Promise<LateDecisions | null> => {
  const { view, generation, plan, source } = spec;
  const raw = rawTopic(source.name);
  const consumer = consumerOf(view, generation);
  const reached = await log.committed(consumer, raw);
  const decided = await log.committed(decidedConsumer(consumer), raw);
  if (decided.every((offset, partition) => offset <= (reached[partition] ?? 0))) return null;
  if (!closesTiles(plan)) return { isLate: () => null, stop: async () => {} };

  const left = new Set<string>();
  for await (const event of late.all()) left.add(idOf(event));
  let below = [...decided];
  const isLate: LateDecisions['isLate'] = (record) =>
    record.offset < (below[record.partition] ?? 0) ? left.has(idOf(record)) : null;
  const stored = await storedWatermark(log, consumer, late.topic);
  // Only an earlier release stored none: later events are then decided when they are computed.
  if (stored === null) return { isLate, stop: async () => {} };

  const hopMs = widestHopMs(plan);
  const timeOf = eventTimeOf(source);
  let watermark = stored;
  let durable = { below: decided, watermark };
  /** in the open transaction */
  let found: string[] = [];

  /** @returns the record of late.<view>; null: the event counts, or does not concern the view */
  const decide = (record: LogRecord): OutgoingRecord | null => {
    const row = rowOf(decoders, record);
    const key = plan.filter === null || plan.filter(row) === true ? plan.keyOf(row) : null;
    if (key === null) return null;
    const eventTime = timeOf(row);
    const { partition, offset } = record;
    const known = decoders.knownTime(source.name, row);
    const lateBy = watermark - closingTime(eventTime, hopMs, plan.latenessMs as number);
    if (lateBy <= 0 || known !== null || offset < (started[partition] ?? 0)) {
      watermark = Math.max(watermark, Math.min(eventTime, known ?? record.logTime));
      return null;
    }
    left.add(idOf(record));
    found.push(idOf(record));
    return late.recordOf({ key, eventTime, partition, offset, hopMs, lateBy });
  };

  const task: StreamTask = {
    consumer: decidedConsumer(consumer),
    topics: [raw],
    process(records) {
      const out = records.flatMap((record) => decide(record) ?? []);
      for (const { partition, offset } of records) below[partition] = offset + 1;
      return { records: out, positions: watermarkPosition(consumer, late.topic, watermark) };
    },
    committed() {
      durable = { below: [...below], watermark };
      found = [];
    },
    rolledBack() {
      for (const id of found) left.delete(id);
      found = [];
      below = [...durable.below];
      watermark = durable.watermark;
    },
  };
  const handle = log.run(task);
  // If it fails, later events are decided when they are computed.
  await handle.caughtUp().catch(() => {});
  return { isLate, stop: () => handle.stop() };
};
