/**
 * Trims the log: raw events, feature updates and logged answers that the history has, and that are
 * older than the log is to keep them.
 *
 * A record is trimmed only if all of these hold:
 * - the history has it: the offsets below its end were counted in files whose checksums fit;
 * - it is older than `keepMs`;
 * - the history had it when the log was trimmed before: so its commit has become durable since, and
 *   a query that reads first the history and then the log misses nothing;
 * - no running generation still has to read it from the log: raw events below the generation's
 *   position (the history has the others, but is slower), updates below its saved state.
 *
 * The log keeps what no history has: late, rejected and published-again events, and the registry's
 * and OpenLineage's events.
 */
import type { EngineGeneration } from '#domain/ports/engine.ts';
import type { ErasedOffsets } from '#domain/ports/erased.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import { featuresTopic, hasHistory, isFeaturesTopic, rawTopic } from '#domain/ports/topics.ts';
import type { LimitedSource } from './trim-history.ts';
import type { TrimmableLog } from './trimmable-log.ts';

export interface TrimLogDependencies {
  readonly log: TrimmableLog;
  readonly history: Pick<HistoryTables, 'endOffsets' | 'count'>;
  readonly running: () => readonly EngineGeneration[];
  readonly now: () => number;
  /** null: nothing is trimmed, but what the history is not to keep either */
  readonly keepMs: number | null;
  /** sources whose history is not kept for ever; absent: there is none */
  readonly limited?: () => readonly LimitedSource[];
  readonly warn: (message: string) => void;
  /** The erased offsets of [from, below) of a partition: no history has them. */
  readonly erased?: ErasedOffsets;
  /** how long the log keeps a topic in any case, ms; absent: 0 */
  readonly atLeast?: (topic: string) => number;
  /**
   * true: a generation that has stopped goes on from where it was, in the log; absent: it can read
   * the history instead
   */
  readonly resumesInLog?: true;
}

const smaller = (a: readonly number[], b: readonly number[]): readonly number[] =>
  a.map((offset, partition) => Math.min(offset, b[partition] ?? 0));

/**
 * Offsets that are counted and trimmed at once. The first trim of a log that was never trimmed can
 * take long, and must end soon when the platform is closed.
 */
const PIECE = 500_000;

/** @returns how many records were trimmed */
export const createTrimLog = (
  dependencies: TrimLogDependencies,
  isStopped: () => boolean = () => false,
): (() => Promise<number>) => {
  const { log, history, running, now, keepMs, warn, erased = () => [] } = dependencies;
  const { limited = () => [], atLeast = () => 0, resumesInLog = false } = dependencies;

  /** topic → end offsets of its history when the log was trimmed before */
  const reached = new Map<string, readonly number[]>();
  const inHistorySince = async (topic: string): Promise<readonly number[]> => {
    const ends = await history.endOffsets(topic);
    const before = reached.get(topic) ?? [];
    reached.set(topic, ends);
    return smaller(ends, before);
  };

  /** Next offsets below which no running generation reads the topic any more. */
  const readBelow = (topic: string, ends: readonly number[]): readonly number[] => {
    if (isFeaturesTopic(topic)) {
      const mine = running().filter(({ spec }) => featuresTopic(spec.view) === topic);
      // A retired view can be restored, and no generation says now what it would need.
      const needed = mine.map((generation) => generation.updatesNeededFrom?.() ?? 0);
      return [mine.length === 0 ? 0 : Math.min(...needed)];
    }
    return running()
      .filter(
        ({ spec, error }) =>
          rawTopic(spec.source.name) === topic && (resumesInLog || error() === null),
      )
      .map((generation) => {
        // Not known yet: it may have to read everything.
        const isKnown = generation.positions().length > 0;
        const positions = isKnown ? [...ends] : ends.map(() => 0);
        for (const { partition, offset } of generation.positions()) positions[partition] = offset;
        return positions;
      })
      .reduce(smaller, ends);
  };

  const isInHistory = async (
    topic: string,
    partition: number,
    from: number,
    below: number,
  ): Promise<boolean> => {
    const found = await history.count(topic, { partition, from, below });
    const wanted =
      (await log.count?.(topic, { partition, from, below })) ??
      below - from - erased(topic, partition, from, below).length;
    if (found === wanted) return true;
    warn(
      `${topic} is not trimmed: of offsets ${from} to ${below - 1} of partition ${partition}, its history has ${found}, not ${wanted}. Run \`millrace verify\`.`,
    );
    return false;
  };

  const trimTopic = async (topic: string, keepFor: number): Promise<number> => {
    const kept = await log.kept(topic);
    const ends = kept.map(({ end }) => end);
    const old = await log.keptOffsetsAt(topic, now() - Math.max(keepFor, atLeast(topic)));
    const below = smaller(smaller(old, await inHistorySince(topic)), readBelow(topic, ends));
    let trimmed = 0;
    for (const [partition, { begin }] of kept.entries()) {
      const until = below[partition] ?? 0;
      for (let from = begin; from < until && !isStopped(); from += PIECE) {
        const to = Math.min(until, from + PIECE);
        if (!(await isInHistory(topic, partition, from, to))) break;
        await log.trim(topic, partition, to, () => (readBelow(topic, ends)[partition] ?? 0) >= to);
        trimmed += to - from;
      }
    }
    return trimmed;
  };

  return async () => {
    let trimmed = 0;
    const limits = new Map(limited().map(({ name, keepMs: ms }) => [rawTopic(name), ms]));
    for (const { topic } of await log.topics()) {
      if (!hasHistory(topic)) continue;
      const keepFor = keepMs ?? limits.get(topic);
      if (keepFor === undefined) continue;
      try {
        trimmed += await trimTopic(topic, keepFor);
      } catch (error) {
        warn(`${topic} could not be trimmed, and will be tried again: ${String(error)}`);
      }
    }
    return trimmed;
  };
};
