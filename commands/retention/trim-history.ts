/**
 * Deletes the events that a source does not keep (`keepHistory`) from the embedded history.
 *
 * An event is deleted only if all of these hold:
 * - its event time and its log time are on a day that ended longer ago than the source keeps
 *   events;
 * - so are those of all events before it in its partition: what is left is one piece;
 * - the log no longer has it;
 * - every generation that runs, also a stalled one, has read it;
 * - a generation that still counts it can do without: the log has all of its updates, so that its
 *   values can be made again from those if its saved state is lost.
 */
import { reachOf } from '#domain/plan/covered-from.ts';
import type { EngineGeneration } from '#domain/ports/engine.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import type { TransactionalLog } from '#domain/ports/stream-task.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import type { TrimmableLog } from './trimmable-log.ts';

/** A source whose history is not kept for ever. */
export interface LimitedSource {
  readonly name: string;
  readonly keepMs: number;
}

export interface TrimHistoryDependencies {
  readonly log: Pick<TrimmableLog, 'topics' | 'kept'> & Pick<TransactionalLog, 'setHorizon'>;
  readonly history: Pick<HistoryTables, 'trim' | 'horizon'>;
  readonly running: () => readonly EngineGeneration[];
  readonly limited?: () => readonly LimitedSource[];
  readonly now: () => number;
  readonly warn: (message: string) => void;
}

const DAY_MS = 86_400_000;

export const createTrimHistory = (
  { log, history, running, limited = () => [], now, warn }: TrimHistoryDependencies,
  isStopped: () => boolean = () => false,
): (() => Promise<void>) => {
  const warned = new Set<string>();
  /** Whether a lost state could only be made again from events that are to be deleted. */
  const needsEvents = async (
    { spec, updatesNeededFrom }: EngineGeneration,
    keepMs: number,
  ): Promise<boolean> => {
    if (reachOf(spec.plan) <= keepMs) return false;
    const [kept] = await log.kept(featuresTopic(spec.view));
    if ((kept?.begin ?? 0) <= (updatesNeededFrom?.() ?? 0)) return false;
    const id = `${spec.view} ${spec.generation}`;
    if (!warned.has(id))
      warn(
        `the history of source ${spec.source.name} is not trimmed: updates of view ${spec.view} were trimmed before the source had keepHistory, and its state could not be made again from what would be left. Replay the view, promote the replay, and retire the old generation`,
      );
    warned.add(id);
    return true;
  };

  /** By partition: the log no longer has the events below, and every generation has read them. */
  const readBelow = async ({ name, keepMs }: LimitedSource): Promise<readonly number[]> => {
    const below = (await log.kept(rawTopic(name))).map(({ begin }) => begin);
    for (const generation of running()) {
      if (generation.spec.source.name !== name) continue;
      if (await needsEvents(generation, keepMs)) return below.map(() => 0);
      const reached = new Map(
        generation.positions().map(({ partition, offset }) => [partition, offset]),
      );
      for (const partition of below.keys())
        below[partition] = Math.min(below[partition] as number, reached.get(partition) ?? 0);
    }
    return below;
  };

  /** source → the day, or the day and the offsets, before whose change there is nothing to do */
  const done = new Map<string, string>();

  const trimSource = async (source: LimitedSource): Promise<void> => {
    const { name, keepMs } = source;
    const topic = rawTopic(name);
    const before = Math.floor((now() - keepMs) / DAY_MS) * DAY_MS;
    const below = await readBelow(source);
    const day = String(before);
    const turn = `${day} ${below.join(',')}`;
    const last = done.get(name);
    if (below.every((offset) => offset === 0) || last === day || last === turn) return;
    await history.trim?.(topic, { before, below });
    const horizon = await history.horizon(topic);
    if (horizon !== null) log.setHorizon(topic, horizon);
    const reached = below.some((offset, p) => offset > 0 && horizon?.begin[p] === offset);
    done.set(name, reached ? turn : day);
  };

  return async () => {
    const topics = new Set((await log.topics()).map(({ topic }) => topic));
    for (const source of limited()) {
      if (isStopped() || !topics.has(rawTopic(source.name))) continue;
      try {
        await trimSource(source);
      } catch (error) {
        warn(
          `the history of source ${source.name} could not be trimmed, and will be tried again: ${String(error)}`,
        );
      }
    }
  };
};
