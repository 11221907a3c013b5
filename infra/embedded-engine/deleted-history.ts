/** What a generation has to mind where its source deletes events, or has deleted some. */
import { coveredFrom, reachOf } from '#domain/plan/covered-from.ts';
import type { GenerationSpec } from '#domain/ports/engine.ts';
import type { TransactionalLog } from '#domain/ports/stream-task.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import type { Horizon } from '#domain/sources/horizon.ts';
import type { TileStore } from '#domain/tiles/tile-store.ts';
import { parseDuration } from '#domain/values/duration.ts';

export interface DeletedHistory {
  /** Whether the events that are left make the present values, and those after them. */
  readonly suffices: (horizon: Horizon) => boolean;
  /**
   * Whether its updates are the only copy of what they count, so that they stay: its source deletes
   * events that its values still count, or has deleted some.
   */
  readonly outlivesEvents: () => boolean;
  /** Whether an entity may leave the memory, because raw events can answer for it. */
  readonly mayDrop: () => boolean;
  /**
   * Whether tiles that were built again have to be computed anew, from the events that are left,
   * and can: the next events to read were deleted while it did not run, or an entity was dropped
   * that must not be.
   */
  readonly isUnfit: (tiles: TileStore) => Promise<boolean>;
}

/**
 * @param isPartial it began as a copy of another generation. Raw events do not say which of them
 * that one left out as late, so they answer for no entity, and nothing is computed anew
 */
export const deletedHistory = (
  { plan, source }: GenerationSpec,
  { log, now }: { readonly log: TransactionalLog; readonly now: () => number },
  consumer: string,
  isPartial: boolean,
): DeletedHistory => {
  const { keepHistory } = source;
  const raw = rawTopic(source.name);
  const suffices = ({ time }: Horizon): boolean => coveredFrom(plan, now()) >= time;
  const mayDrop = (): boolean =>
    !isPartial && keepHistory === undefined && log.horizon(raw) === null;
  return {
    suffices,
    mayDrop,
    outlivesEvents() {
      if (keepHistory !== undefined && reachOf(plan) > parseDuration(keepHistory)) return true;
      const horizon = log.horizon(raw);
      return horizon !== null && !suffices(horizon);
    },
    async isUnfit({ dropped }) {
      const horizon = log.horizon(raw);
      if (isPartial || (horizon !== null && !suffices(horizon))) return false;
      if (!dropped.isEmpty && !mayDrop()) return true;
      const reached = await log.committed(consumer, raw);
      return reached.some((offset, partition) => offset < (horizon?.begin[partition] ?? 0));
    },
  };
};
