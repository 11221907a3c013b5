/** The embedded engine: generations that compute in this process, in the log's transactions. */
import { replayedFrom } from '#domain/plan/covered-from.ts';
import { samePlan } from '#domain/plan/plan.ts';
import type {
  Engine,
  EngineEvents,
  GenerationSpec,
  WantedGeneration,
  WantedView,
} from '#domain/ports/engine.ts';
import type { ServedView } from '#domain/ports/served-view.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import { answeringGeneration } from '#domain/registry/answering-generation.ts';
import { type ComputeDependencies, type EmbeddedGeneration, openGeneration } from './generation.ts';
import { fillPartially } from './partial-replay.ts';
import { saveStates } from './save-states.ts';

export interface EmbeddedEngineDependencies extends ComputeDependencies, EngineEvents {
  readonly warn: (message: string) => void;
}

const idOf = (view: string, generation: number): string => `${view}#${generation}`;
/** Whether it goes on as it is: also what it keeps depends on how long its source keeps events. */
const computesAlike = (a: GenerationSpec, b: GenerationSpec): boolean =>
  samePlan(a.plan, b.plan) && a.source.keepHistory === b.source.keepHistory;
const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error));

export const embeddedEngine = (dependencies: EmbeddedEngineDependencies): Engine => {
  const { log, snapshots, onFilled, onFailed } = dependencies;
  const running = new Map<string, EmbeddedGeneration>();
  /** stopped, because they go on with another plan */
  const replaced = new WeakSet<EmbeddedGeneration>();
  /** by id; a version rises without a new generation where only metadata changed */
  const versions = new Map<string, number>();
  let wantedViews = new Map<string, WantedView>();
  let epoch = 0;
  let queue: Promise<void> = Promise.resolve();
  let closed = false;
  const saving = saveStates(() => running.values(), dependencies.warn);

  const report = (generation: EmbeddedGeneration): void => {
    const { view, generation: number } = generation.spec;
    generation.caughtUp().then(
      () => (closed ? undefined : onFilled(view, number)),
      (error: unknown) => {
        const stillWanted =
          running.get(idOf(view, number)) === generation && !replaced.has(generation);
        return closed || !stillWanted ? undefined : onFailed(view, number, asError(error));
      },
    );
  };

  const liveGeneration = (view: string): EmbeddedGeneration | null => {
    const live = wantedViews.get(view)?.generations.find((g) => g.state === 'live');
    return live === undefined ? null : (running.get(idOf(view, live.spec.generation)) ?? null);
  };

  const open = async (wanted: WantedGeneration): Promise<EmbeddedGeneration> => {
    const { spec, partial, state } = wanted;
    if (partial !== null && state === 'filling') {
      const live = liveGeneration(spec.view);
      const horizon = log.horizon(rawTopic(spec.source.name));
      const isWhole = horizon === null || replayedFrom(spec.plan, partial.from) >= horizon.time;
      // Without the copy it reads all events, which fails and says why.
      if (live !== null && isWhole) await fillPartially(spec, partial, live, dependencies);
    }
    return openGeneration(spec, dependencies, { isPartial: partial !== null });
  };

  const stop = async (id: string, generation: EmbeddedGeneration): Promise<void> => {
    const { view, generation: number } = generation.spec;
    running.delete(id);
    await generation.stop();
    snapshots.drop(view, number);
  };

  /** Its source was revised: it goes on from its states, with the types that fields now have. */
  const reopen = async (
    before: EmbeddedGeneration,
    { spec, partial }: WantedGeneration,
  ): Promise<EmbeddedGeneration> => {
    replaced.add(before);
    await before.stop();
    if (before.error() === null) await before.save(1);
    return openGeneration(spec, dependencies, { isPartial: partial !== null, before });
  };

  const apply = async (views: readonly WantedView[], answers: () => void): Promise<void> => {
    wantedViews = new Map(views.map((view) => [view.view, view]));
    const keep = new Map(
      views.flatMap((view) =>
        view.generations.map((g) => [idOf(view.view, g.spec.generation), g] as const),
      ),
    );
    for (const [id, generation] of running) if (!keep.has(id)) await stop(id, generation);
    for (const [id, wanted] of keep) {
      versions.set(id, wanted.spec.version);
      const before = running.get(id);
      if (closed || (before !== undefined && computesAlike(before.spec, wanted.spec))) continue;
      const generation = before === undefined ? await open(wanted) : await reopen(before, wanted);
      running.set(id, generation);
      if (wanted.state === 'filling') report(generation);
    }
    epoch++;
    answers();
  };

  const servedOf = (view: string, generation: number): ServedView | null => {
    const id = idOf(view, generation);
    const found = running.get(id);
    if (found === undefined) return null;
    const version = versions.get(id) ?? found.spec.version;
    return version === found.served.version ? found.served : { ...found.served, version };
  };

  return {
    reconcile(wanted, answers) {
      const next = queue.then(() => apply(wanted, answers));
      queue = next.catch(() => {});
      return next;
    },
    live(view, version) {
      const found = answeringGeneration(wantedViews.get(view), version);
      return typeof found === 'number' ? servedOf(view, found) : found;
    },
    epoch: () => epoch,
    generation: (view, generation) => running.get(idOf(view, generation)) ?? null,
    running: () => [...running.values()],
    onProgress: (listener) => log.onAppend(listener),
    async close() {
      saving.stop();
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
