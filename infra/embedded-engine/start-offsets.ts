/**
 * Where a generation starts: its read positions in the raw topic, and two positions that a consumer
 * beside it keeps, so that they are durable with the log: the raw offsets at which it started, and
 * the offset in features.<view> below which it wrote nothing.
 */
import type { TransactionalLog } from '#domain/ports/stream-task.ts';
import type { Horizon } from '#domain/sources/horizon.ts';

export const consumerOf = (view: string, generation: number): string =>
  `compute.${view}.${generation}`;

export const startOffsetsConsumer = (consumer: string): string => `${consumer}.fill`;

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
 * Computes a generation again from the first event, with the same decisions about late events: its
 * updates were trimmed, and the state that was saved after them is lost.
 */
export const startAgain = async (
  log: TransactionalLog,
  consumer: string,
  raw: string,
  features: string,
  suffices: (horizon: Horizon) => boolean,
): Promise<void> => {
  const keeper = startOffsetsConsumer(consumer);
  const [firstUpdate = 0] = await log.end(features);
  const first = firstOffsets(log, raw, await log.end(raw), suffices);
  const positions = first.map((offset, partition) => ({ consumer, topic: raw, partition, offset }));
  await log.append({
    records: [],
    positions: [
      ...positions,
      { consumer: keeper, topic: features, partition: 0, offset: firstUpdate },
    ],
  });
};
