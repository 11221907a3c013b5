/** Sources that do not keep their history for ever, and views that need what was deleted. */
import type { LimitedSource } from '#commands/retention/trim-history.ts';
import type { Definition, FeatureViewDefinition } from '#domain/definitions/model.ts';
import type { Problem } from '#domain/errors.ts';
import { coveredFrom, replayedFrom } from '#domain/plan/covered-from.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { isPartialRange, type ReplayRange } from '#domain/registry/events.ts';
import type { PlatformLimits } from '#domain/registry/platform-limits.ts';
import { overlay } from '#domain/registry/registered.ts';
import { trimmedText } from '#domain/sources/horizon.ts';
import { parseDuration } from '#domain/values/duration.ts';
import { formatTime } from '#domain/values/time.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';

/** Retired sources, too: their events age as others do. */
export const limitedSources = (catalog: Catalog): readonly LimitedSource[] =>
  catalog.streams('source').flatMap(({ name }) => {
    const keepHistory = catalog.definition('source', name)?.keepHistory;
    return keepHistory === undefined ? [] : [{ name, keepMs: parseDuration(keepHistory) }];
  });

interface HistoryLimits {
  readonly catalog: Catalog;
  /** true: this platform deletes no events from its history */
  readonly keepsHistory?: true;
  /** epoch ms; null: the source has all its events */
  readonly horizon: (source: string) => number | null;
  readonly now: () => number;
  /** absent: its engine can recompute a part of a view */
  readonly partialReplays?: false;
}

/**
 * Why the events that are left do not suffice to compute a view anew; null: they do. @param range
 * null: everything is computed
 */
const eventsLacking =
  ({ catalog, horizon, now }: HistoryLimits) =>
  (
    view: FeatureViewDefinition,
    range: ReplayRange | null,
    batch: readonly Definition[] = [],
  ): Problem | null => {
    const time = horizon(view.source);
    const { definition } = overlay(catalog, batch);
    const source = definition('source', view.source);
    const entity = definition('entity', view.entity);
    if (time === null || source === null || entity === null) return null;
    const plan = planView(view, source, entity);
    const isPartial = range !== null && isPartialRange(range);
    const from = isPartial ? replayedFrom(plan, range.from) : coveredFrom(plan, now());
    if (from >= time) return null;
    return {
      code: 'MR_HISTORY_TRIMMED',
      message: `feature view "${view.name}" cannot be computed from its first event on, and ${trimmedText(view.source, time)}. ${
        isPartial
          ? 'Replay a later range, of features with windows'
          : 'Give each feature a window that the history covers'
      }, or read another source`,
      details: { source: view.source, horizon: formatTime(time) },
    };
  };

/** A source that wants its events deleted, on a platform that does not delete any, is refused. */
const unsupportedUnless =
  (deletes: boolean) =>
  (definition: Definition): Problem | null =>
    deletes || definition.kind !== 'source' || definition.keepHistory === undefined
      ? null
      : {
          code: 'MR_REFUSED',
          message: `source "${definition.name}": keepHistory works in the embedded profile only, and this server would keep all events. Leave keepHistory out`,
          details: { source: definition.name },
        };

export const historyLimits = (limits: HistoryLimits): PlatformLimits => ({
  lacksEvents: eventsLacking(limits),
  unsupported: unsupportedUnless(limits.keepsHistory !== true),
  partialReplays: limits.partialReplays,
});
