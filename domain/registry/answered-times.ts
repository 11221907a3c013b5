/**
 * Which generation of a view answers for a past time: one rule for past reads, explanations
 * and `as-served` training sets.
 *
 * The generation that was live then answers, even if it is retired by now: its definition is kept.
 * The present generation answers for the time before any was live. A service that pins a version
 * is answered by generations of that version only; the present one stands in for the others.
 */
import type { RegistryState } from './state.ts';

export interface GenerationVersion {
  readonly generation: number;
  readonly version: number;
}

export interface AnsweredTime extends GenerationVersion {
  /** epoch ms; null: since ever */
  readonly from: number | null;
  /** exclusive, epoch ms; null: until now */
  readonly to: number | null;
}

/**
 * Oldest first, without gaps.
 * @param present the generation that answers now
 * @param pinned the version that a service pins
 */
export const answeredTimes = (
  { timeline, generations }: Pick<RegistryState, 'timeline' | 'generations'>,
  present: GenerationVersion,
  pinned?: number,
): readonly AnsweredTime[] => {
  const live = timeline.map(({ generation, from }): GenerationVersion & { from: number } => {
    const version = generations.find((g) => g.generation === generation)?.version;
    const answers = version !== undefined && (pinned === undefined || version === pinned);
    return { ...(answers ? { generation, version } : present), from };
  });
  const all = [{ ...present, from: null }, ...live];
  // A training set reads the events once for each time, so neighbours of one generation are one.
  const starts = all.filter(({ generation }, i) => generation !== all[i - 1]?.generation);
  return starts.map(({ generation, version, from }, i) => ({
    generation,
    version,
    from,
    to: starts[i + 1]?.from ?? null,
  }));
};

/** The generation that answers for a time, epoch ms. */
export const answeredAt = (times: readonly AnsweredTime[], at: number): GenerationVersion =>
  times.findLast(({ from }) => from === null || from <= at) as AnsweredTime;
