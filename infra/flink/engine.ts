/**
 * The Flink engine: keeps Flink computing the generations that the registry wants, and every
 * gateway reading the one that is live.
 *
 * Every process polls how far the generations are and answers from them. One process, the leader,
 * also starts and stops jobs and reports when a generation is filled. A leader that dies leaves
 * nothing undone: the registry has what is wanted, Flink has what runs, and the next leader
 * compares the two again.
 */

import type { EngineJob } from '#domain/api/operations.ts';
import type { UpdateDecoder } from '#domain/encoding/update-decoder.ts';
import { samePlan } from '#domain/plan/plan.ts';
import { type Degraded, degraded, NOT_DEGRADED } from '#domain/ports/degraded.ts';
import type {
  Engine,
  EngineEvents,
  GenerationSpec,
  WantedGeneration,
  WantedView,
} from '#domain/ports/engine.ts';
import type { CacheStore, TilesTarget } from '#domain/ports/online-store.ts';
import type { FetchedTiles, ServedView } from '#domain/ports/served-view.ts';
import { featuresTopic, lateTopic, rawTopic } from '#domain/ports/topics.ts';
import { answeringGeneration, isFirstFill } from '#domain/registry/answering-generation.ts';
import { createArchivedColumns } from './archived-columns.ts';
import type { FlinkCluster } from './cluster.ts';
import { createFills } from './fills.ts';
import { type FlinkGeneration, flinkGeneration } from './generation.ts';
import { jobHealth } from './job-health.ts';
import { materializeJobFor } from './materialize-jobs.ts';
import { createQuietTopics } from './quiet-topics.ts';
import { repeat } from './repeat.ts';
import { computeJob } from './sql/names.ts';
import {
  generationsOf,
  topicProblemOf,
  type WantedJobsOptions,
  wantedJobs,
} from './wanted-jobs.ts';

export interface FlinkEngineOptions extends WantedJobsOptions {
  readonly cache: CacheStore | null;
  readonly decoder: UpdateDecoder;
  readonly cluster: FlinkCluster;
  readonly fetcher: (
    target: TilesTarget,
  ) => (keys: readonly string[], at: number) => Promise<FetchedTiles>;
  /** whether this process manages the jobs */
  readonly leads: () => boolean;
  readonly onFilled: EngineEvents['onFilled'];
  /** see quiet-topics.ts */
  readonly nudge: (topic: string) => Promise<void>;
  /** called with the number of rows for which raw events answer while a view is filled */
  readonly onFolded: (rows: number) => void;
  readonly warn: (message: string) => void;
}

export interface FlinkEngine extends Engine {
  readonly generation: (view: string, generation: number) => FlinkGeneration | null;
  readonly running: () => readonly FlinkGeneration[];
  readonly jobs: () => readonly EngineJob[];
  /** `log-unavailable` where the log does not answer */
  readonly degraded: () => Degraded;
}

const LOG_UNAVAILABLE = degraded('log-unavailable');
/**
 * The log counts as unavailable when no poll has succeeded for this long. It is longer than one
 * poll can take: a cache tier that hangs delays a poll by two seconds.
 */
const LOG_SILENT_MS = 5_000;
const POLL_MS = 200;
const RECONCILE_MS = 2_000;
/** An apply commits its definitions one after the other: their jobs start in one round. */
const GATHER_MS = 1_000;
const idOf = (view: string, generation: number): string => `${view}#${generation}`;

export const flinkEngine = (options: FlinkEngineOptions): FlinkEngine => {
  const { log, jobs, cluster, warn } = options;
  const running = new Map<string, FlinkGeneration>();
  const generations = (): readonly FlinkGeneration[] => [...running.values()];
  const problemOf = (spec: GenerationSpec): string | null =>
    topicProblemOf(spec, options.topicProblem);
  const isUsable = ({ spec }: { readonly spec: GenerationSpec }): boolean =>
    problemOf(spec) === null;
  const refreshAll = async (): Promise<void> => {
    await Promise.all(
      generations()
        .filter(isUsable)
        .map((generation) => generation.refresh()),
    );
  };
  const fills = createFills({ log, jobs, cluster });
  const wantedInFlink = wantedJobs(options);
  const listeners = new Set<() => void>();
  let wanted: readonly WantedView[] = [];
  /** whether it is known what is wanted: until then, all jobs would look unwanted */
  let isKnown = false;
  let epoch = 0;
  const archived = createArchivedColumns();
  /** what reads of each generation were answered from at the last poll */
  let answers: ReadonlySet<ServedView> = new Set();
  let queue: Promise<void> = Promise.resolve();
  let closed = false;
  /** epoch ms: when a poll last succeeded */
  let polledAt = Date.now();
  const quiet = createQuietTopics();
  const health = jobHealth({
    jobs,
    cluster,
    generations,
    writingJobs: () => wantedInFlink.writing(wanted),
  });

  const createTopics = async ({ spec }: WantedGeneration): Promise<void> => {
    const partitions = spec.source.partitions ?? 1;
    await log.createTopic(rawTopic(spec.source.name), { partitions });
    // The number of partitions never grows: all updates of an entity are in one partition, and
    // their offsets decide which is the later one.
    const updates = featuresTopic(spec.view);
    if (!(await log.topics()).some(({ topic }) => topic === updates))
      await log.createTopic(updates, { partitions });
    await log.createTopic(lateTopic(spec.view), { partitions: 1 });
  };

  const open = (id: string, { spec }: WantedGeneration): void => {
    const { cache, decoder, onFolded } = options;
    const writer = materializeJobFor({
      view: spec.view,
      flushMs: spec.plan.ephemeral?.flushMs ?? null,
    });
    const checkpointAt = (): number | null =>
      health.writing().find(({ name }) => name === writer)?.checkpointAt ?? null;
    const fetch = options.fetcher({ plan: spec.plan, generation: spec.generation });
    const topicProblem = (): string | null => problemOf(spec);
    const updatesFrom = (): Promise<readonly number[] | null> =>
      jobs.updatesFrom(computeJob(spec.view, spec.generation));
    running.set(
      id,
      flinkGeneration({
        spec,
        log,
        cache,
        decoder,
        checkpointAt,
        fetch,
        updatesFrom,
        onFolded,
        topicProblem,
      }),
    );
  };

  const ensureJobs = async (): Promise<void> => {
    if (isKnown && options.leads() && !closed) await wantedInFlink.ensure(wanted);
  };

  /** Raw events answer for a new view, until its tiles can. */
  const chooseAnswers = (): void => {
    for (const view of wanted)
      for (const { spec, state } of view.generations) {
        const generation = running.get(idOf(view.view, spec.generation));
        if (isFirstFill(view)) generation?.fold();
        else if (state === 'live') generation?.promoted();
      }
  };

  const apply = async (views: readonly WantedView[], answers: () => void): Promise<void> => {
    wanted = views;
    isKnown = true;
    const keep = new Map(
      generationsOf(wanted).map((g) => [idOf(g.spec.view, g.spec.generation), g] as const),
    );
    for (const id of running.keys()) if (!keep.has(id)) running.delete(id);
    let isReplaced = archived.note(options.sources(), options.featureLogs());
    for (const [id, generation] of keep) {
      const { version, plan } = generation.spec;
      const before = running.get(id)?.spec;
      if (before?.version === version && samePlan(before.plan, plan)) continue;
      isReplaced ||= before !== undefined && !samePlan(before.plan, plan);
      if (isUsable(generation))
        await createTopics(generation).catch((error: unknown) => {
          if (isUsable(generation)) throw error;
        });
      open(id, generation);
    }
    chooseAnswers();
    epoch++;
    answers();
    // New views are read from raw events until their jobs run, so nothing waits for these. But a
    // job of an earlier plan would compute new events wrongly, and an archive job of earlier
    // columns would leave new ones out: they are replaced first.
    if (isReplaced && options.leads()) await jobsLoop.next();
    else jobsLoop.soon();
    await refreshAll();
  };

  const enqueue = (work: () => Promise<void>): Promise<void> => {
    const next = queue.then(work);
    queue = next.catch(() => {});
    return next;
  };

  const nudgeQuietTopics = async (): Promise<void> => {
    const readings = [...running]
      .filter(([, generation]) => isUsable(generation))
      .map(([id, generation]) => ({
        id,
        topic: rawTopic(generation.spec.source.name),
        computed: generation.computed().reduce((a, b) => a + b, 0),
        lag: generation.lag(),
      }));
    for (const topic of quiet(readings, Date.now())) await options.nudge(topic);
  };

  const reportFilled = async (): Promise<void> => {
    for (const { spec, state } of generationsOf(wanted)) {
      const generation = running.get(idOf(spec.view, spec.generation));
      if (state !== 'filling' || generation === undefined || problemOf(spec) !== null) continue;
      if (!(await fills.isFilled(generation))) continue;
      await options.onFilled(spec.view, spec.generation);
      fills.forget(generation);
    }
  };

  const positionsNow = (): string =>
    generations()
      .map((generation) => generation.answering().position())
      .join();

  /** Plans of reads are kept by the epoch: a view that tiles answer from now on needs a new one. */
  const noteAnswers = (): void => {
    const before = answers;
    answers = new Set(generations().map((generation) => generation.answering()));
    if ([...answers].some((served) => !before.has(served))) epoch++;
  };

  const poll = async (): Promise<void> => {
    const before = positionsNow();
    await refreshAll();
    polledAt = Date.now();
    noteAnswers();
    if (positionsNow() !== before) for (const listener of [...listeners]) listener();
    if (!options.leads()) return;
    await nudgeQuietTopics();
    await reportFilled();
  };

  const jobsLoop = repeat(RECONCILE_MS, ensureJobs, warn, GATHER_MS);
  const loops = [repeat(POLL_MS, poll, warn), repeat(RECONCILE_MS, health.inspect, warn)];

  const wantedOf = (view: string): WantedView | undefined => wanted.find((w) => w.view === view);
  const answering = (view: string, generation: number): ServedView | null =>
    running.get(idOf(view, generation))?.answering() ?? null;

  /** What raw events answer for a view that is filled for the first time. */
  const firstAnswer = (view: WantedView, version: number | undefined): ServedView | null => {
    const filling = isFirstFill(view) ? view.generations : [];
    const newest = filling
      .filter(({ spec }) => version === undefined || spec.version === version)
      .at(-1);
    return newest === undefined ? null : answering(view.view, newest.spec.generation);
  };

  return {
    reconcile: (views, answers) => enqueue(() => apply(views, answers)),
    live(view, version) {
      const of = wantedOf(view);
      const found = answeringGeneration(of, version);
      if (of === undefined || found === null) return null;
      return found === 'filling' ? (firstAnswer(of, version) ?? found) : answering(view, found);
    },
    epoch: () => epoch,
    generation: (view, generation) => running.get(idOf(view, generation)) ?? null,
    running: generations,
    jobs: health.writing,
    degraded: () => (Date.now() - polledAt > LOG_SILENT_MS ? LOG_UNAVAILABLE : NOT_DEGRADED),
    onProgress(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      closed = true;
      for (const loop of loops) void loop.stop();
      await queue;
      await jobsLoop.stop();
    },
  };
};
