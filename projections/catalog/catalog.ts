/**
 * The catalog: all registered definitions, in all versions. A read model of the registry's commits
 * in memory, built from position 0 at every start. `position` is the last commit that it has read.
 */
import type { FeatureViewDefinition, Kind } from '#domain/definitions/model.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import type { Commit, EventStore } from '#domain/ports/event-store.ts';
import { streamOf } from '#domain/registry/events.ts';
import type { ByKind } from '#domain/registry/registered.ts';
import { initialState, newestVersion } from '#domain/registry/state.ts';
import {
  type CatalogStream,
  type CatalogStreams,
  catalogOf,
  takeCommit,
} from './catalog-streams.ts';

export type { CatalogStream } from './catalog-streams.ts';

export interface Catalog extends CatalogStreams {
  /** the last commit that was read */
  readonly position: () => number;
  /** the definitions of this moment, which later commits do not change */
  readonly snapshot: () => CatalogStreams;
  /** The plan of a view's version, over the newest versions of its source and entity. */
  readonly plan: (view: string, version: number) => ViewPlan;
  readonly waitFor: (position: number) => Promise<void>;
  /**
   * Resolves when every commit that was visible at the call is read, those of other processes
   * included; rejects where they cannot be read.
   */
  readonly catchUp: () => Promise<void>;
  /** Calls back after commits were read. Returns the function that ends the subscription. */
  readonly onChange: (listener: (commits: readonly Commit[]) => void) => () => void;
  readonly close: () => void;
}

const PAGE = 500;
const RETRY_MS = 200;

/** @param also other read models of the same commits; each is called with every commit, in order */
export const openCatalog = async (
  eventStore: EventStore,
  also: readonly ((commit: Commit) => void)[] = [],
): Promise<Catalog> => {
  const streams = new Map<string, CatalogStream>();
  const plans = new Map<string, ViewPlan>();
  const listeners = new Set<(commits: readonly Commit[]) => void>();
  let position = 0;
  let reading: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;
  let closed = false;
  let waiting: { readonly position: number; readonly resolve: () => void }[] = [];

  const take = (commit: Commit): void => {
    const kind = takeCommit(streams, commit);
    if (kind === 'source' || kind === 'entity') plans.clear();
    for (const other of also) other(commit);
    position = commit.position;
  };
  const readOn = async (): Promise<void> => {
    while (!closed) {
      const commits = await eventStore.readAll(position, PAGE);
      if (commits.length === 0) break;
      commits.forEach(take);
      for (const listener of listeners) listener(commits);
      for (const { resolve } of waiting.filter((w) => w.position <= position)) resolve();
      waiting = waiting.filter((w) => w.position > position);
    }
  };
  /** One reading at a time. Calls before the next one begins share it; a failed one is not kept. */
  const catchUp = (): Promise<void> => {
    if (next === null) {
      next = reading
        .catch(() => {})
        .then(() => {
          next = null;
          return readOn();
        });
      reading = next;
    }
    return next;
  };
  /** A commit that could not be read is read later: it may not be announced a second time. */
  let willRetry = false;
  const wake = (): void => {
    catchUp().catch(() => {
      if (willRetry) return;
      willRetry = true;
      setTimeout(() => {
        willRetry = false;
        if (!closed) wake();
      }, RETRY_MS).unref();
    });
  };

  const unsubscribe = eventStore.onCommit(wake);
  await catchUp();

  return {
    position: () => position,
    ...catalogOf(streams),
    snapshot: () => catalogOf(new Map(streams)),
    plan(view, version) {
      const id = `${view}@${version}`;
      let plan = plans.get(id);
      if (plan === undefined) {
        const of = streams
          .get(streamOf('feature-view', view))
          ?.state.versions.find((v) => v.version === version)?.definition as FeatureViewDefinition;
        const newest = <K extends Kind>(kind: K, name: string): ByKind[K] =>
          newestVersion(streams.get(streamOf(kind, name))?.state ?? initialState)
            ?.definition as ByKind[K];
        plan = planView(of, newest('source', of.source), newest('entity', of.entity));
        plans.set(id, plan);
      }
      return plan;
    },
    waitFor: (wanted) =>
      wanted <= position
        ? Promise.resolve()
        : new Promise((resolve) => waiting.push({ position: wanted, resolve })),
    catchUp,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      closed = true;
      unsubscribe();
    },
  };
};
