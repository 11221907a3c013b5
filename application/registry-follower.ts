/**
 * Keeps what runs equal to what the registry says: open sources, topics of the feature log, and the
 * generations of the engine.
 *
 *     commit ──▶ catalog ──▶ reconcile ──▶ the position moves: reads use the new definitions
 *                   ▲            │
 *                   │            ▼
 *                   └── "generation filled", reported by the engine
 *
 * Every commit that comes before a reconciliation has begun is part of it. A reconciliation that
 * fails is repeated.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { FeatureLog } from '#commands/feature-log/feature-log.ts';
import { isKeyStream } from '#domain/authorization/keys.ts';
import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';
import type { Engine } from '#domain/ports/engine.ts';
import type { Metrics } from '#domain/ports/metrics.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { loggedServices } from '#projections/feature-log/feature-log-tables.ts';
import { createShortFills } from './short-fills.ts';
import type { Sources } from './sources.ts';
import { wantedViews } from './wanted-views.ts';

export interface RegistryFollower {
  /** the position of the registry whose definitions and generations reads use */
  readonly position: () => number;
  /** Calls back when `position` has moved. Returns the function that ends the subscription. */
  readonly onProgress: (listener: () => void) => () => void;
  /** why a view does not compute; null: no problem is known */
  readonly problem: (view: string) => string | null;
  /** Resolves when the engine follows what the catalog had at the call, or has failed to. */
  readonly settled: () => Promise<void>;
  /**
   * The same, and generations with few events to read are live, or have failed.
   * @param views their live generations have also caught up, if they have few events to read
   */
  readonly settledWithFills: (views?: readonly string[]) => Promise<void>;
  /** Whether the engine runs all that the catalog wants: nothing is under way, nothing failed. */
  readonly isCurrent: () => boolean;
  /** Ends the repetition of failed reconciliations. */
  readonly stop: () => void;
  /** Stops, and resolves when nothing that it began goes on. */
  readonly close: () => Promise<void>;
}

interface RegistryFollowerDependencies {
  readonly catalog: Catalog;
  readonly engine: Pick<Engine, 'reconcile' | 'generation' | 'onProgress'>;
  readonly sources: Pick<Sources, 'open'>;
  readonly featureLog: Pick<FeatureLog, 'follow'>;
  readonly metrics: Pick<Metrics, 'featureLogService'>;
  readonly gatherMs: number;
  /** an apply waits for the fill of a generation with at most so many events; null: for none */
  readonly shortFillEvents: number | null;
  readonly warn: (message: string) => void;
}

const RETRY_MS = 2_000;

/** Follows from the catalog's present position on; resolves after the first reconciliation. */
export const followRegistry = async (
  dependencies: RegistryFollowerDependencies,
): Promise<RegistryFollower> => {
  const { catalog, engine, sources, featureLog, metrics, gatherMs, warn } = dependencies;
  let followedPosition = 0;
  const listeners = new Set<() => void>();
  /** view → why it does not compute */
  const problems = new Map<string, string>();
  /** the last reconciliation, and all before it */
  let settled: Promise<void> = Promise.resolve();
  /** whether that one has not begun */
  let isQueued = false;
  /** why the last reconciliation failed; '': it did not */
  let lastWarning = '';
  let isStopped = false;

  const reached = (position: number): void => {
    if (position <= followedPosition) return;
    followedPosition = position;
    for (const listener of [...listeners]) listener();
  };

  /** A source whose topics cannot be used is refused where it is used; the others go on. */
  const openSource = async (name: string): Promise<void> => {
    await sources.open(name).catch((error: unknown) => {
      if (!(error instanceof MillraceError) || error.code !== 'MR_DATA_MIXED') throw error;
    });
  };

  const reconcileOnce = async (): Promise<void> => {
    if (gatherMs > 0) await sleep(gatherMs);
    isQueued = false;
    for (const { name } of catalog.streams('source')) await openSource(name);
    const services = loggedServices(catalog);
    for (const { columns } of services) metrics.featureLogService(columns.service);
    await featureLog.follow(services);
    problems.clear();
    const position = catalog.position();
    const wanted = wantedViews(catalog, (view, error) => problems.set(view, messageOf(error)));
    await engine.reconcile(wanted, () => reached(position));
    lastWarning = '';
    reached(position);
  };

  const reconcile = (): Promise<void> => {
    if (isQueued) return settled;
    isQueued = true;
    settled = settled.then(reconcileOnce).catch((error: unknown) => {
      const warning = `the computation could not follow the registry, and will be tried again: ${messageOf(error)}`;
      if (warning !== lastWarning) warn(warning);
      lastWarning = warning;
      setTimeout(() => {
        if (!isStopped) void reconcile();
      }, RETRY_MS).unref();
    });
    return settled;
  };

  catalog.onChange((commits) => {
    const { position = 0 } = commits.at(-1) ?? {};
    if (commits.some(({ events, stream }) => events.length > 0 && !isKeyStream(stream)))
      void reconcile();
    else
      void settled.then(() => {
        if (lastWarning === '') reached(position);
      });
  });
  const shortFills = createShortFills({ catalog, engine, events: dependencies.shortFillEvents });
  await reconcile();

  return {
    position: () => followedPosition,
    onProgress(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    problem: (view) => problems.get(view) ?? null,
    settled: () => settled,
    isCurrent: () => lastWarning === '' && followedPosition >= catalog.position(),
    async settledWithFills(views) {
      await settled;
      await shortFills(views);
      await settled;
    },
    stop() {
      isStopped = true;
    },
    async close() {
      isStopped = true;
      await settled;
    },
  };
};
