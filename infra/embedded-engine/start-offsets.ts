/**
 * Where a generation starts: its read positions in the raw topic, and what consumers beside it keep
 * as positions, so that it is durable with the log:
 *
 *   .fill       the raw offsets at which it started; the offset in features.<view> below which it
 *               wrote nothing
 *   .decided    the raw offsets below which it has decided which events are late, if it is computed
 *               again: it may have read less than that
 *   .watermark  in late.<view>, as a position: the watermark that it had reached, epoch ms
 */
import type { ConsumerPosition } from '#domain/ports/log.ts';
import type { TransactionalLog } from '#domain/ports/stream-task.ts';
import type { Horizon } from '#domain/sources/horizon.ts';

export const consumerOf = (view: string, generation: number): string =>
  `compute.${view}.${generation}`;

export const startOffsetsConsumer = (consumer: string): string => `${consumer}.fill`;
export const decidedConsumer = (consumer: string): string => `${consumer}.decided`;

/** A watermark as a position; none where no event has been counted. */
export const watermarkPosition = (
  consumer: string,
  late: string,
  watermark: number | null,
): readonly ConsumerPosition[] =>
  watermark !== null && Number.isFinite(watermark)
    ? [{ consumer: `${consumer}.watermark`, topic: late, partition: 0, offset: watermark }]
    : [];

/** The watermark that was stored last, epoch ms; null: none was. */
export const storedWatermark = async (
  log: Pick<TransactionalLog, 'committed'>,
  consumer: string,
  late: string,
): Promise<number | null> => (await log.committed(`${consumer}.watermark`, late))[0] || null;

/**
 * The raw offsets at which this generation started: no event below them is late, because a replay
 * takes in all of the past. Written once, so that a fill that was killed decides lateness as
 * before.
 */
export const startOffsets = async (
  log: TransactionalLog,
  consumer: string,
  raw: string,
  features: string,
  suffices: (horizon: Horizon) => boolean,
): Promise<readonly number[]> => {
  const keeper = startOffsetsConsumer(consumer);
  const kept = await log.committed(keeper, raw);
  const reached = await log.committed(consumer, raw);
  const firstUpdate = await log.committed(keeper, features);
  if ([...kept, ...reached, ...firstUpdate].some((offset) => offset > 0)) return kept;
  return startHere(log, consumer, raw, features, suffices);
};

/**
 * The offsets of the first events to read. If events were deleted that the generation needs, it
 * starts at them all the same: reading them fails and says why.
 */
const firstOffsets = (
  log: TransactionalLog,
  raw: string,
  ends: readonly number[],
  suffices: (horizon: Horizon) => boolean,
): readonly number[] => {
  const horizon = log.horizon(raw);
  const begin = horizon !== null && suffices(horizon) ? horizon.begin : [];
  return ends.map((_, partition) => begin[partition] ?? 0);
};

/** Starts at the beginning of the raw topic; what it has now is the past. */
export const startHere = async (
  log: TransactionalLog,
  consumer: string,
  raw: string,
  features: string,
  suffices: (horizon: Horizon) => boolean,
): Promise<readonly number[]> => {
  const keeper = startOffsetsConsumer(consumer);
  const ends = await log.end(raw);
  if (ends.every((offset) => offset === 0)) return ends;
  // None of its updates lies before the current end of features.<view>: a rebuild skips what other
  // generations wrote.
  const [firstUpdate = 0] = await log.end(features);
  const first = firstOffsets(log, raw, ends, suffices);
  await log.append({
    records: [],
    positions: ends
      .flatMap((offset, partition) => [
        { consumer: keeper, topic: raw, partition, offset },
        { consumer, topic: raw, partition, offset: first[partition] ?? 0 },
      ])
      .concat({ consumer: keeper, topic: features, partition: 0, offset: firstUpdate }),
  });
  return ends;
};

/**
 * Computes a generation again from the first event: its updates were trimmed and the state that was
 * saved after them is lost, or its states cannot be read by its present plan. Which events are late
 * stays as it was decided (late-decisions.ts).
 * @param watermark the one that it had reached, epoch ms; null: unknown
 */
export const startAgain = async (
  log: TransactionalLog,
  consumer: string,
  {
    raw,
    features,
    late,
    suffices,
  }: {
    readonly raw: string;
    readonly features: string;
    readonly late: string;
    readonly suffices: (horizon: Horizon) => boolean;
  },
  watermark: number | null,
): Promise<void> => {
  const [firstUpdate = 0] = await log.end(features);
  const reached = await log.committed(consumer, raw);
  const decided = await log.committed(decidedConsumer(consumer), raw);
  const first = firstOffsets(log, raw, reached, suffices);
  const positions = reached.flatMap((offset, partition) => [
    { consumer, topic: raw, partition, offset: first[partition] ?? 0 },
    {
      consumer: decidedConsumer(consumer),
      topic: raw,
      partition,
      offset: Math.max(offset, decided[partition] ?? 0),
    },
  ]);
  await log.append({
    records: [],
    positions: [
      ...positions,
      {
        consumer: startOffsetsConsumer(consumer),
        topic: features,
        partition: 0,
        offset: firstUpdate,
      },
      ...watermarkPosition(consumer, late, watermark),
    ],
  });
};
