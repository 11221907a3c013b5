/**
 * Keeps the generations that the registry wants computing, and only those: the live one, those
 * being filled or compared, and the ones kept for rollback. It says when a filling one has caught
 * up; what follows from that is the registry's decision.
 */

import type { ServedView, ServingViews } from '#projections/serving/served-view.ts';
import { answeringGeneration, generationLiveAt } from './answering-generation.ts';
import {
  type ComputeDependencies,
  type Generation,
  type GenerationSpec,
  openGeneration,
} from './generation.ts';
import { fillPartially, type PartialReplay } from './partial-replay.ts';

export interface WantedGeneration {
  readonly spec: GenerationSpec;
  readonly state: 'filling' | 'ready' | 'live' | 'standby';
  readonly partial: PartialReplay | null;
}

export interface WantedView {
  readonly view: string;
  readonly generations: readonly WantedGeneration[];
  /** which generation was promoted when (epoch ms), oldest first */
  readonly timeline: readonly { readonly generation: number; readonly from: number }[];
  /** generations that were wanted once and can't be again */
  readonly gone: readonly number[];
}

export interface ManagerDependencies extends ComputeDependencies {
  readonly onCaughtUp: (spec: GenerationSpec) => Promise<void>;
  readonly onFailed: (spec: GenerationSpec, error: Error) => Promise<void>;
}

export interface ComputeManager extends ServingViews {
  /** Starts and stops generations until what runs is what is wanted. Calls are queued. */
  readonly reconcile: (wanted: readonly WantedView[]) => Promise<void>;
  readonly generation: (view: string, generation: number) => Generation | null;
  readonly running: () => readonly Generation[];
  /** Saves the states that changed by at least so many updates since they were saved. */
  readonly saveAll: (leastUpdates: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

const idOf = (view: string, generation: number): string => `${view}#${generation}`;

export const createComputeManager = (dependencies: ManagerDependencies): ComputeManager => {
  const running = new Map<string, Generation>();
  /** versions move without a new generation when only metadata changed */
  const versions = new Map<string, number>();
  let wantedViews = new Map<string, WantedView>();
  let epoch = 0;
  let queue: Promise<void> = Promise.resolve();
  let closed = false;

  const watch = (generation: Generation): void => {
    generation.caughtUp().then(
      () => (closed ? undefined : dependencies.onCaughtUp(generation.spec)),
      (error: unknown) => {
        const stillWanted =
          running.get(idOf(generation.spec.view, generation.spec.generation)) === generation;
        return closed || !stillWanted
          ? undefined
          : dependencies.onFailed(
              generation.spec,
              error instanceof Error ? error : new Error(String(error)),
            );
      },
    );
  };

  const open = async (wanted: WantedGeneration): Promise<Generation> => {
    const { spec, partial, state } = wanted;
    if (partial !== null && state === 'filling') {
      const live = liveGeneration(spec.view);
      if (live !== null) await fillPartially(spec, partial, live, dependencies);
    }
    return openGeneration(spec, dependencies);
  };

  const apply = async (views: readonly WantedView[]): Promise<void> => {
    wantedViews = new Map(views.map((view) => [view.view, view]));
    const keep = new Map(
      views.flatMap((view) =>
        view.generations.map((g) => [idOf(view.view, g.spec.generation), g] as const),
      ),
    );
    for (const [id, generation] of running) {
      if (keep.has(id)) continue;
      running.delete(id);
      await generation.stop();
      dependencies.snapshots.drop(generation.spec.view, generation.spec.generation);
    }
    for (const [id, wanted] of keep) {
      versions.set(id, wanted.spec.version);
      if (running.has(id) || closed) continue;
      const generation = await open(wanted);
      running.set(id, generation);
      if (wanted.state === 'filling') watch(generation);
    }
    epoch++;
  };

  const servedOf = (view: string, generation: number): ServedView | null => {
    const id = idOf(view, generation);
    const found = running.get(id);
    if (found === undefined) return null;
    const version = versions.get(id) ?? found.spec.version;
    return version === found.served.version ? found.served : { ...found.served, version };
  };
  const liveGeneration = (view: string): Generation | null => {
    const live = wantedViews.get(view)?.generations.find((g) => g.state === 'live');
    return live === undefined ? null : (running.get(idOf(view, live.spec.generation)) ?? null);
  };

  return {
    reconcile(wanted) {
      const next = queue.then(() => apply(wanted));
      queue = next.catch(() => {});
      return next;
    },
    live(view, version) {
      const found = answeringGeneration(wantedViews.get(view), version);
      return typeof found === 'number' ? servedOf(view, found) : found;
    },
    liveAt(view, time) {
      const found = generationLiveAt(wantedViews.get(view), time);
      return found === null ? null : servedOf(view, found);
    },
    epoch: () => epoch,
    generation: (view, generation) => running.get(idOf(view, generation)) ?? null,
    running: () => [...running.values()],
    async saveAll(leastUpdates) {
      for (const generation of running.values()) await generation.save(leastUpdates);
    },
    async close() {
      closed = true;
      await queue;
      for (const generation of running.values()) {
        await generation.stop();
        if (generation.error() === null) await generation.save(1);
      }
      running.clear();
    },
  };
};
