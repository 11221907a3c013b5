/** Status, freshness, late events and metrics, for operators and monitoring. */
import type { Operations } from '#domain/api/operations.ts';
import { fail } from '#domain/errors.ts';
import type { EventStore } from '#domain/ports/event-store.ts';
import type { Metrics } from '#domain/ports/metrics.ts';
import { isServed, type ServingViews } from '#domain/ports/served-view.ts';
import type { LateEvents } from '#projections/late/late.ts';
import type { Lineage } from '#projections/lineage/lineage.ts';
import type { Outbox } from '#projections/outbox/publish-outbox.ts';
import { createStatus, type StatusDependencies } from '#projections/status/status.ts';
import type { DegradedModes } from './degraded-modes.ts';
import type { Generations } from './generations.ts';

interface OperationsDependencies
  extends Omit<
    StatusDependencies,
    'liveGeneration' | 'fillingGeneration' | 'readable' | 'degraded'
  > {
  readonly views: ServingViews;
  readonly generations: Generations;
  readonly degradedModes: Pick<DegradedModes, 'now'>;
  readonly late: LateEvents;
  readonly eventStore: Pick<EventStore, 'head'>;
  readonly outbox: Pick<Outbox, 'position' | 'error'>;
  /** null: OpenLineage is off */
  readonly lineage: Pick<Lineage, 'stats'> | null;
  readonly metrics: Pick<Metrics, 'text'>;
  readonly ready: () => boolean;
}

export const createOperations = (dependencies: OperationsDependencies): Operations => {
  const { catalog, generations, degradedModes, late, eventStore, outbox, lineage } = dependencies;
  const { status, freshness } = createStatus({
    ...dependencies,
    liveGeneration: generations.live,
    fillingGeneration: generations.filling,
    readable: (view) => isServed(dependencies.views.live(view)),
    degraded: degradedModes.now,
  });
  return {
    status,
    freshness,
    async late(view, { limit }) {
      const version = catalog.stream('feature-view', view)?.state.versions.at(-1)?.version;
      if (version === undefined)
        return fail('MR_NOT_FOUND', `there is no feature view "${view}"`, { view });
      const running = generations.live(view) ?? generations.filling(view);
      return late.report(running?.spec.plan ?? catalog.plan(view, version), limit);
    },
    async metrics() {
      const [statusNow, freshnessNow, head, lineageStats] = await Promise.all([
        status(),
        freshness(),
        eventStore.head(),
        lineage?.stats() ?? null,
      ]);
      return dependencies.metrics.text({
        status: statusNow,
        freshness: freshnessNow,
        lineage: lineageStats,
        outbox: { head, position: outbox.position(), failing: outbox.error() !== null },
      });
    },
    ready: dependencies.ready,
    degraded: degradedModes.now,
  };
};
