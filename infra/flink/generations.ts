/**
 * Keeps Flink computing the generations that the registry wants, and the gateways reading the one that is live.
 *
 * Every process looks at how far the generations are and answers from them; one of them, the leader, starts and stops jobs and says when
 * a generation is filled. A leader that dies leaves nothing undone: what is wanted is in the registry, what runs is in Flink, and the
 * next one compares the two again.
 */
import type { FeatureViewDefinition, SourceDefinition } from '#domain/definitions/model.ts';
import type { Log } from '#domain/ports/log.ts';
import type { HotStore, TilesTarget } from '#domain/ports/online-store.ts';
import type { EngineJob } from '#domain/ports/platform.ts';
import { featuresTopic, lateTopic, rawTopic } from '#domain/ports/topics.ts';
import type { WantedGeneration, WantedView } from '#infra/compute/compute-manager.ts';
import type { FetchedTiles, ServedView, ServingViews } from '#projections/serving/served-view.ts';
import type { FlinkCluster, FlinkJob } from './cluster.ts';
import {
  computeIdentity,
  computeJobOf,
  type HistoryStart,
  type JobSettings,
  type Materialized,
  materializeIdentity,
  materializeJobOf,
} from './compute-job.ts';
import { type FlinkGeneration, flinkGeneration } from './generation.ts';
import type { FlinkJobs } from './jobs.ts';
import { computeJob, MATERIALIZE_GROUP, MATERIALIZE_JOB } from './sql/names.ts';
import type { StartAt } from './sql/tables.ts';
import type { UpdateDecoder } from './update-decoder.ts';

export interface FlinkGenerationsOptions {
  readonly log: Log;
  readonly hot: HotStore | null;
  readonly decoder: UpdateDecoder;
  readonly jobs: FlinkJobs;
  readonly cluster: FlinkCluster;
  readonly settings: JobSettings;
  readonly fetcher: (target: TilesTarget) => (keys: readonly string[], at: number) => Promise<FetchedTiles>;
  /** whether this process manages the jobs */
  readonly leads: () => boolean;
  readonly viewDefinition: (view: string, version: number) => FeatureViewDefinition;
  readonly sources: () => readonly SourceDefinition[];
  /** before a source's or a view's history is written to: its table, made or evolved */
  readonly ensureHistory: (
    what: { readonly source: SourceDefinition } | { readonly plan: WantedGeneration['spec']['plan'] },
  ) => Promise<void>;
  /** what a new compute job reads beside Kafka */
  readonly historyStart: (source: SourceDefinition) => Promise<HistoryStart>;
  /** where the materialize job goes on: the offsets that the history's tables hold */
  readonly historyThrough: (topic: string) => Promise<readonly number[]>;
  readonly onFilled: (view: string, generation: number) => Promise<void>;
  readonly warn: (message: string) => void;
}

export interface FlinkGenerations extends ServingViews {
  readonly reconcile: (wanted: readonly WantedView[]) => Promise<void>;
  readonly generation: (view: string, generation: number) => FlinkGeneration | null;
  readonly running: () => readonly FlinkGeneration[];
  /** Called back whenever a generation has become visible further. */
  readonly onProgress: (listener: () => void) => () => void;
  /** the job that serves all views */
  readonly jobs: () => readonly EngineJob[];
  readonly close: () => Promise<void>;
}

const LOOK_MS = 200;
const MEND_MS = 2_000;
const idOf = (view: string, generation: number): string => `${view}#${generation}`;
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const flinkGenerations = (options: FlinkGenerationsOptions): FlinkGenerations => {
  const { log, jobs, cluster, settings, warn } = options;
  const running = new Map<string, FlinkGeneration>();
  /** targets of fills: raw ends when the fill was first seen, and what must follow before it is whole */
  const fills = new Map<string, { readonly ends: readonly number[]; features: readonly number[] | null; seenAt: number }>();
  const listeners = new Set<() => void>();
  let wanted: readonly WantedView[] = [];
  let epoch = 0;
  let queue: Promise<void> = Promise.resolve();
  let closed = false;

  const wantedGenerations = (): readonly WantedGeneration[] => wanted.flatMap((view) => view.generations);

  const makeTopics = async ({ spec }: WantedGeneration): Promise<void> => {
    const partitions = spec.source.partitions ?? 1;
    await log.createTopic(rawTopic(spec.source.name), { partitions });
    await log.createTopic(featuresTopic(spec.view), { partitions });
    await log.createTopic(lateTopic(spec.view), { partitions: 1 });
  };

  const open = (id: string, generation: WantedGeneration): void => {
    const { spec } = generation;
    const target: TilesTarget = { plan: spec.plan, generation: spec.generation };
    const { hot, decoder } = options;
    running.set(id, flinkGeneration({ spec, log, hot, decoder, fetch: options.fetcher(target) }));
  };

  const ensureCompute = async ({ spec }: WantedGeneration): Promise<void> => {
    const { plan, source, version, generation, view } = spec;
    const compute = { plan, source, version, generation, view: options.viewDefinition(view, version) };
    await jobs.ensure(computeJob(view, generation), computeIdentity(compute), async (start) =>
      computeJobOf(
        settings,
        compute,
        start.kind === 'fresh' ? await options.historyStart(source) : { query: null, from: 'earliest' },
      ),
    );
  };

  const materialized = (): Materialized => ({
    sources: options.sources(),
    views: wanted
      .filter(({ generations }) => generations.length > 0)
      .map(({ view, generations }) => ({
        view,
        generations: generations.map(({ spec }) => ({ generation: spec.generation, plan: spec.plan })),
      })),
  });

  /** With no job running that writes to them: a table has one committer at a time. */
  const ensureTables = async ({ sources, views }: Materialized): Promise<void> => {
    for (const source of sources) await options.ensureHistory({ source });
    for (const { generations } of views) for (const { plan } of generations) await options.ensureHistory({ plan });
  };

  const ensureMaterialize = async (): Promise<void> => {
    const what = materialized();
    if (what.sources.length === 0) return;
    await jobs.ensure(MATERIALIZE_JOB, materializeIdentity(what), async (start) => {
      await ensureTables(what);
      const through = new Map<string, readonly number[]>();
      const starts = new Map<string, StartAt>();
      for (const topic of [
        ...what.sources.map(({ name }) => rawTopic(name)),
        ...what.views.map(({ view }) => featuresTopic(view)),
      ]) {
        const reached = await options.historyThrough(topic);
        through.set(topic, reached);
        starts.set(
          topic,
          (await log.end(topic)).map((_, partition) => ({ partition, offset: reached[partition] ?? 0 })),
        );
      }
      // The history says how far it is; the primary store may be behind it by a commit. It takes an update twice without harm.
      const again = start.kind === 'fresh' && start.afterCrash;
      return materializeJobOf(
        settings,
        what,
        (topic) =>
          ('source' in topic ? starts.get(rawTopic(topic.source)) : again ? 'earliest' : starts.get(featuresTopic(topic.view))) ??
          'earliest',
        (view) => (again ? (through.get(featuresTopic(view)) ?? []) : []),
      );
    });
  };

  const discardUnwanted = async (): Promise<void> => {
    const names = new Set(wantedGenerations().map(({ spec }) => computeJob(spec.view, spec.generation)));
    for (const job of await jobs.running())
      if (job.name !== MATERIALIZE_JOB && !names.has(job.name)) await jobs.discard(job.name);
  };

  /** What the registry wants, running in Flink. */
  const manage = async (): Promise<void> => {
    if (!options.leads() || closed) return;
    await ensureMaterialize();
    for (const generation of wantedGenerations()) await ensureCompute(generation);
    await discardUnwanted();
  };

  let materialize: EngineJob | null = null;
  const gone = (name: string): EngineJob => ({ name, state: 'gone', restarts: 0, failure: null, checkpointAt: null });
  const seen = async (all: readonly FlinkJob[], name: string): Promise<EngineJob> => {
    const job = all.find((one) => one.name === name);
    if (job === undefined) return gone(name);
    const { restarts, failure, checkpointAt } = await cluster.health(job.id);
    return { name, state: job.state, restarts, failure, checkpointAt };
  };

  /** How the jobs fare, in every process: whoever is asked for the status knows. */
  const inspect = async (): Promise<void> => {
    const all = await jobs.running();
    if (materialized().sources.length > 0) materialize = await seen(all, MATERIALIZE_JOB);
    for (const generation of running.values()) {
      const job = await seen(all, computeJob(generation.spec.view, generation.spec.generation));
      const error =
        job.state === 'RUNNING'
          ? null
          : new Error(`Flink's job ${job.name} is ${job.state}${job.failure === null ? '' : `: ${job.failure}`}`);
      generation.note(job, error);
    }
  };

  const apply = async (views: readonly WantedView[]): Promise<void> => {
    wanted = views;
    const keep = new Map(wantedGenerations().map((g) => [idOf(g.spec.view, g.spec.generation), g] as const));
    for (const id of running.keys()) if (!keep.has(id)) running.delete(id);
    for (const [id, generation] of keep) {
      if (running.get(id)?.spec.version === generation.spec.version) continue;
      await makeTopics(generation);
      open(id, generation);
    }
    epoch++;
    await manage();
    await Promise.all([...running.values()].map((generation) => generation.refresh()));
  };

  const enqueue = (work: () => Promise<void>): Promise<void> => {
    const next = queue.then(work);
    queue = next.catch(() => {});
    return next;
  };

  const covers = (through: readonly number[], ends: readonly number[]): boolean =>
    ends.every((end, p) => end === 0 || (through[p] ?? 0) >= end);

  /** Whether all that was known when the fill began is computed and in the stores. */
  const isFilled = async (generation: FlinkGeneration): Promise<boolean> => {
    const { view, generation: number, source } = generation.spec;
    const id = idOf(view, number);
    const features = featuresTopic(view);
    let fill = fills.get(id);
    if (fill === undefined) {
      fill = { ends: await log.end(rawTopic(source.name)), features: null, seenAt: Date.now() };
      fills.set(id, fill);
    }
    if (fill.ends.every((end) => end === 0)) return true;
    if (fill.features === null) {
      if (!covers(generation.computed(), fill.ends)) return false;
      const job = (await jobs.running()).find(({ name }) => name === computeJob(view, number));
      if (job === undefined || !(await cluster.boundedSourcesFinished(job.id))) return false;
      fill.features = await log.end(features);
      fill.seenAt = Number.POSITIVE_INFINITY;
      return false;
    }
    if (!covers(await log.committed(MATERIALIZE_GROUP, features), fill.features)) return false;
    if (fill.seenAt === Number.POSITIVE_INFINITY) {
      fill.seenAt = Date.now();
      return false;
    }
    // A checkpoint's rows are committed before the next checkpoint is complete.
    const job = (await jobs.running()).find(({ name }) => name === MATERIALIZE_JOB);
    const at = job === undefined ? null : (await cluster.health(job.id)).checkpointAt;
    return at !== null && at > fill.seenAt + 1_000;
  };

  const look = async (): Promise<void> => {
    const before = [...running.values()].map((generation) => generation.served.position()).join();
    await Promise.all([...running.values()].map((generation) => generation.refresh()));
    if ([...running.values()].map((generation) => generation.served.position()).join() !== before)
      for (const listener of [...listeners]) listener();
    if (!options.leads()) return;
    for (const { spec, state } of wantedGenerations()) {
      const generation = running.get(idOf(spec.view, spec.generation));
      if (state !== 'filling' || generation === undefined || !(await isFilled(generation))) continue;
      await options.onFilled(spec.view, spec.generation);
      fills.delete(idOf(spec.view, spec.generation));
    }
  };

  /** One loop at a time, each after the last has ended; a failure is said once until it changes. */
  const every = (ms: number, work: () => Promise<void>): (() => void) => {
    let said = '';
    let timer: NodeJS.Timeout | null = null;
    const turn = (): void => {
      work()
        .then(
          () => {
            said = '';
          },
          (error: unknown) => {
            const message = messageOf(error);
            if (message !== said && !closed) warn(message);
            said = message;
          },
        )
        .finally(() => {
          if (!closed) timer = setTimeout(turn, ms);
        });
    };
    timer = setTimeout(turn, ms);
    return () => {
      if (timer !== null) clearTimeout(timer);
    };
  };
  const stops = [every(LOOK_MS, look), every(MEND_MS, () => enqueue(manage)), every(MEND_MS, inspect)];

  const servedOf = (view: string, generation: number): ServedView | null => running.get(idOf(view, generation))?.served ?? null;

  return {
    reconcile: (views) => enqueue(() => apply(views)),
    live(view, version) {
      const found = wanted.find((w) => w.view === view);
      if (found === undefined) return null;
      const promoted = found.generations.filter((g) => g.state === 'live' || g.state === 'standby');
      const live = promoted.find((g) => g.state === 'live');
      const chosen =
        version === undefined || live?.spec.version === version
          ? live
          : promoted.filter((g) => g.spec.version === version).at(-1);
      if (chosen !== undefined) return servedOf(view, chosen.spec.generation);
      return version === undefined || found.generations.some((g) => g.spec.version === version) ? 'filling' : null;
    },
    liveAt(view, time) {
      const then = wanted
        .find((w) => w.view === view)
        ?.timeline.filter((entry) => entry.from <= time)
        .at(-1);
      return then === undefined ? null : servedOf(view, then.generation);
    },
    epoch: () => epoch,
    generation: (view, generation) => running.get(idOf(view, generation)) ?? null,
    running: () => [...running.values()],
    jobs: () => (materialize === null ? [] : [materialize]),
    onProgress(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      closed = true;
      for (const stop of stops) stop();
      await queue;
    },
  };
};
