/**
 * Keeps Flink computing the generations that the registry wants, and the gateways reading the one
 * that is live.
 *
 * Every process looks at how far the generations are and answers from them; one of them, the
 * leader, starts and stops jobs and says when a generation is filled. A leader that dies leaves
 * nothing undone: what is wanted is in the registry, what runs is in Flink, and the next one
 * compares the two again.
 */

import type { EngineJob } from '#domain/api/operations.ts';
import type { FeatureViewDefinition, SourceDefinition } from '#domain/definitions/model.ts';
import { messageOf } from '#domain/error-message.ts';
import type { FeatureLogColumns } from '#domain/feature-log/feature-log-record.ts';
import { type Degraded, degraded, NOT_DEGRADED } from '#domain/ports/degraded.ts';
import type { CacheStore, TilesTarget } from '#domain/ports/online-store.ts';
import { featuresTopic, lateTopic, rawTopic } from '#domain/ports/topics.ts';
import {
  answeringGeneration,
  generationLiveAt,
} from '#infra/embedded-engine/answering-generation.ts';
import type { WantedGeneration, WantedView } from '#infra/embedded-engine/engine.ts';
import type { FetchedTiles, ServedView, ServingViews } from '#projections/serving/served-view.ts';
import type { FlinkCluster, FlinkJob } from './cluster.ts';
import { computeIdentity, computeJobOf, type HistoryStart } from './compute-job.ts';
import { ensureArchive, ensureMaterialize, type MaterializeContext } from './ensure-materialize.ts';
import { createFills } from './fills.ts';
import { type FlinkGeneration, flinkGeneration } from './generation.ts';
import { type Materialized, materializeJobFor, writingJobs } from './materialize-jobs.ts';
import { createQuietTopics } from './quiet-topics.ts';
import { sourceAsRead } from './read-fields.ts';
import { computeJob } from './sql/names.ts';
import type { UpdateDecoder } from './update-decoder.ts';

export interface FlinkGenerationsOptions extends MaterializeContext {
  readonly cache: CacheStore | null;
  readonly decoder: UpdateDecoder;
  readonly cluster: FlinkCluster;
  readonly fetcher: (
    target: TilesTarget,
  ) => (keys: readonly string[], at: number) => Promise<FetchedTiles>;
  /** whether this process manages the jobs */
  readonly leads: () => boolean;
  /** null: retired, and not reconciled yet */
  readonly viewDefinition: (view: string, version: number) => FeatureViewDefinition | null;
  readonly sources: () => readonly SourceDefinition[];
  /** services whose answers are logged */
  readonly served: () => readonly FeatureLogColumns[];
  /** what a new compute job reads beside Kafka */
  readonly historyStart: (source: SourceDefinition) => Promise<HistoryStart>;
  /** Deletes what generations that are gone have left. */
  readonly clean: (views: readonly WantedView[]) => Promise<void>;
  readonly onFilled: (view: string, generation: number) => Promise<void>;
  /** see quiet-topics.ts */
  readonly nudge: (topic: string) => Promise<void>;
  readonly warn: (message: string) => void;
}

export interface FlinkGenerations extends ServingViews {
  /** @param answers called once reads are answered accordingly, before the jobs run */
  readonly reconcile: (wanted: readonly WantedView[], answers: () => void) => Promise<void>;
  readonly generation: (view: string, generation: number) => FlinkGeneration | null;
  readonly running: () => readonly FlinkGeneration[];
  /** Called back whenever a generation has become visible further. */
  readonly onProgress: (listener: () => void) => () => void;
  /** the jobs that serve all views */
  readonly jobs: () => readonly EngineJob[];
  /** whether the log answers */
  readonly degraded: () => Degraded;
  readonly close: () => Promise<void>;
}

const LOG_UNAVAILABLE = degraded('log-unavailable');
/**
 * Looked at so long ago in vain, the log does not answer. A look also waits for a cache tier that
 * hangs, two seconds.
 */
const LOG_SILENT_MS = 5_000;
const POLL_MS = 200;
const RECONCILE_MS = 2_000;
const idOf = (view: string, generation: number): string => `${view}#${generation}`;

export const flinkGenerations = (options: FlinkGenerationsOptions): FlinkGenerations => {
  const { log, jobs, cluster, settings, warn } = options;
  const running = new Map<string, FlinkGeneration>();
  const fills = createFills({ log, jobs, cluster });
  const listeners = new Set<() => void>();
  let wanted: readonly WantedView[] = [];
  let epoch = 0;
  /** the jobs of all views */
  let shared: readonly EngineJob[] = [];
  let queue: Promise<void> = Promise.resolve();
  let closed = false;
  /** when the log last answered all that was asked, epoch ms */
  let logAnsweredAt = Date.now();
  const quiet = createQuietTopics();

  const wantedGenerations = (): readonly WantedGeneration[] =>
    wanted.flatMap((view) => view.generations);

  const makeTopics = async ({ spec }: WantedGeneration): Promise<void> => {
    const partitions = spec.source.partitions ?? 1;
    await log.createTopic(rawTopic(spec.source.name), { partitions });
    // Never more than it began with: all updates of an entity are in one partition, and their
    // offsets say which came later.
    const updates = featuresTopic(spec.view);
    if (!(await log.topics()).some(({ topic }) => topic === updates))
      await log.createTopic(updates, { partitions });
    await log.createTopic(lateTopic(spec.view), { partitions: 1 });
  };

  const open = (id: string, generation: WantedGeneration): void => {
    const { spec } = generation;
    const target: TilesTarget = { plan: spec.plan, generation: spec.generation };
    const { cache, decoder } = options;
    const writer = materializeJobFor({
      view: spec.view,
      flushMs: spec.plan.ephemeral?.flushMs ?? null,
    });
    const checkpointAt = (): number | null =>
      shared.find(({ name }) => name === writer)?.checkpointAt ?? null;
    running.set(
      id,
      flinkGeneration({ spec, log, cache, decoder, checkpointAt, fetch: options.fetcher(target) }),
    );
  };

  const ensureCompute = async ({ spec }: WantedGeneration): Promise<void> => {
    const { plan, version, generation, view } = spec;
    const definition = options.viewDefinition(view, version);
    if (definition === null) return;
    const source = sourceAsRead(spec.source, definition, plan);
    const made = { plan, source, version, generation, view: definition };
    await jobs.ensure(computeJob(view, generation), computeIdentity(made), async (start, born) => {
      // Where its life began is kept with the job: started again, it decides lateness as it did.
      const past = born ?? (await log.end(rawTopic(source.name)));
      const from =
        start.kind === 'fresh'
          ? await options.historyStart(source)
          : ({ query: null, from: 'earliest' } as const);
      return { ...computeJobOf(settings, { ...made, past }, from), born: past };
    });
  };

  const materialized = (): Materialized => ({
    sources: options.sources(),
    served: options.served(),
    views: wanted
      .filter(({ generations }) => generations.length > 0)
      .map(({ view, generations }) => ({
        view,
        flushMs: generations.at(-1)?.spec.plan.ephemeral?.flushMs ?? null,
        generations: generations.map(({ spec }) => ({
          generation: spec.generation,
          plan: spec.plan,
        })),
      })),
  });

  const discardUnwanted = async (): Promise<void> => {
    const names = new Set([
      ...writingJobs(materialized()),
      ...wantedGenerations().map(({ spec }) => computeJob(spec.view, spec.generation)),
    ]);
    for (const job of await jobs.running()) if (!names.has(job.name)) await jobs.discard(job.name);
  };

  /** What the registry wants, running in Flink. */
  const manage = async (): Promise<void> => {
    if (!options.leads() || closed) return;
    await ensureMaterialize(options, materialized());
    await ensureArchive(options, materialized());
    for (const generation of wantedGenerations()) await ensureCompute(generation);
    await discardUnwanted();
    await options.clean(wanted);
  };

  const gone = (name: string): EngineJob => ({
    name,
    state: 'gone',
    restarts: 0,
    failure: null,
    checkpointAt: null,
  });
  const seen = async (all: readonly FlinkJob[], name: string): Promise<EngineJob> => {
    const job = all.find((one) => one.name === name);
    if (job === undefined) return gone(name);
    // A job that is only being set up has no history to tell.
    const health = await cluster.health(job.id).catch(() => null);
    return {
      name,
      state: job.state,
      restarts: health?.restarts ?? 0,
      failure: health?.failure ?? null,
      checkpointAt: health?.checkpointAt ?? null,
    };
  };

  /** How the jobs fare, in every process: whoever is asked for the status knows. */
  const inspect = async (): Promise<void> => {
    const all = await jobs.running().catch((error: unknown) => {
      // Nobody knows how they fare: that is no reason to say that all is well.
      for (const generation of running.values()) {
        const name = computeJob(generation.spec.view, generation.spec.generation);
        const job = generation.job?.() ?? gone(name);
        generation.note(
          { ...job, state: 'unknown' },
          new Error(`Flink does not say how job ${name} fares: ${messageOf(error)}`),
        );
      }
      throw error;
    });
    shared = await Promise.all(writingJobs(materialized()).map((name) => seen(all, name)));
    for (const generation of running.values()) {
      const job = await seen(all, computeJob(generation.spec.view, generation.spec.generation));
      const error =
        job.state === 'RUNNING'
          ? null
          : new Error(
              `Flink's job ${job.name} is ${job.state}${job.failure === null ? '' : `: ${job.failure}`}`,
            );
      generation.note(job, error);
    }
  };

  const apply = async (views: readonly WantedView[], answers: () => void): Promise<void> => {
    wanted = views;
    const keep = new Map(
      wantedGenerations().map((g) => [idOf(g.spec.view, g.spec.generation), g] as const),
    );
    for (const id of running.keys()) if (!keep.has(id)) running.delete(id);
    for (const [id, generation] of keep) {
      if (running.get(id)?.spec.version === generation.spec.version) continue;
      await makeTopics(generation);
      open(id, generation);
    }
    epoch++;
    answers();
    await manage();
    await Promise.all([...running.values()].map((generation) => generation.refresh()));
  };

  const enqueue = (work: () => Promise<void>): Promise<void> => {
    const next = queue.then(work);
    queue = next.catch(() => {});
    return next;
  };

  const look = async (): Promise<void> => {
    const before = [...running.values()].map((generation) => generation.served.position()).join();
    await Promise.all([...running.values()].map((generation) => generation.refresh()));
    logAnsweredAt = Date.now();
    if ([...running.values()].map((generation) => generation.served.position()).join() !== before)
      for (const listener of [...listeners]) listener();
    if (!options.leads()) return;
    const readings = [...running].map(([id, generation]) => {
      const { source } = generation.spec;
      const computed = generation.computed().reduce((a, b) => a + b, 0);
      return { id, topic: rawTopic(source.name), computed, lag: generation.lag() };
    });
    for (const topic of quiet(readings, Date.now())) await options.nudge(topic);
    for (const { spec, state } of wantedGenerations()) {
      const generation = running.get(idOf(spec.view, spec.generation));
      if (state !== 'filling' || generation === undefined || !(await fills.isFilled(generation)))
        continue;
      await options.onFilled(spec.view, spec.generation);
      fills.forget(generation);
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
  const stops = [
    every(POLL_MS, look),
    every(RECONCILE_MS, () => enqueue(manage)),
    every(RECONCILE_MS, inspect),
  ];

  const servedOf = (view: string, generation: number): ServedView | null =>
    running.get(idOf(view, generation))?.served ?? null;

  return {
    reconcile: (views, answers) => enqueue(() => apply(views, answers)),
    live(view, version) {
      const found = answeringGeneration(
        wanted.find((w) => w.view === view),
        version,
      );
      return typeof found === 'number' ? servedOf(view, found) : found;
    },
    liveAt(view, time) {
      const found = generationLiveAt(
        wanted.find((w) => w.view === view),
        time,
      );
      return found === null ? null : servedOf(view, found);
    },
    epoch: () => epoch,
    generation: (view, generation) => running.get(idOf(view, generation)) ?? null,
    running: () => [...running.values()],
    jobs: () => shared,
    degraded: () => (Date.now() - logAnsweredAt > LOG_SILENT_MS ? LOG_UNAVAILABLE : NOT_DEGRADED),
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
