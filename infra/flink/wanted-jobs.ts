/** Starts and stops Flink's jobs until what runs is what the registry wants. */
import type { FeatureViewDefinition, SourceDefinition } from '#domain/definitions/model.ts';
import type { FeatureLogColumns } from '#domain/feature-log/feature-log-record.ts';
import type { GenerationSpec, WantedGeneration, WantedView } from '#domain/ports/engine.ts';
import { featureLogTopic, featuresTopic, lateTopic, rawTopic } from '#domain/ports/topics.ts';
import { readTypes } from '#domain/sql/flink/read-types.ts';
import { computeIdentity, computeJobOf, type HistoryStart } from './compute-job.ts';
import { ensureArchive, ensureMaterialize, type MaterializeContext } from './ensure-materialize.ts';
import { type Materialized, writingJobs } from './materialize-jobs.ts';
import { computeJob } from './sql/names.ts';

export interface WantedJobsOptions extends MaterializeContext {
  /** null: retired, and not reconciled yet */
  readonly viewDefinition: (view: string, version: number) => FeatureViewDefinition | null;
  readonly sources: () => readonly SourceDefinition[];
  /** the services whose answers are logged */
  readonly featureLogs: () => readonly FeatureLogColumns[];
  /** what a new compute job reads besides Kafka */
  readonly historyStart: (source: SourceDefinition) => Promise<HistoryStart>;
  /**
   * Why a topic cannot be used; null: it can. What reads or writes such a topic is stopped, and the
   * rest goes on. Absent: every topic can.
   */
  readonly topicProblem?: (topic: string) => string | null;
  /** Deletes what generations that are gone have left. */
  readonly clean: (views: readonly WantedView[]) => Promise<void>;
}

export interface WantedJobs {
  /** Repeating it changes nothing. It must not run twice at the same time. */
  readonly ensure: (wanted: readonly WantedView[]) => Promise<void>;
  /** names of the jobs that serve all views */
  readonly writing: (wanted: readonly WantedView[]) => readonly string[];
}

export const generationsOf = (wanted: readonly WantedView[]): readonly WantedGeneration[] =>
  wanted.flatMap((view) => view.generations);

/** Why a generation cannot be computed: a topic of its cannot be used. null: it can. */
export const topicProblemOf = (
  { source, view }: Pick<GenerationSpec, 'source' | 'view'>,
  problem: (topic: string) => string | null = () => null,
): string | null =>
  problem(rawTopic(source.name)) ?? problem(featuresTopic(view)) ?? problem(lateTopic(view));

/** Waits for all, also where one fails: `ensure` must not go on beside its next run. */
const allOf = async (started: readonly Promise<void>[]): Promise<void> => {
  for (const result of await Promise.allSettled(started))
    if (result.status === 'rejected') throw result.reason;
};

export const wantedJobs = (options: WantedJobsOptions): WantedJobs => {
  const { log, jobs, settings, topicProblem = () => null } = options;

  const all = (wanted: readonly WantedView[]): Materialized => ({
    sources: options.sources(),
    featureLogs: options.featureLogs(),
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

  /** The same, without what has a topic that cannot be used. */
  const materialized = (wanted: readonly WantedView[]): Materialized => {
    const { sources, featureLogs, views } = all(wanted);
    const usable = {
      sources: sources.filter(({ name }) => topicProblem(rawTopic(name)) === null),
      featureLogs: featureLogs.filter(
        ({ service }) => topicProblem(featureLogTopic(service)) === null,
      ),
      views: views.filter(({ view }) => topicProblem(featuresTopic(view)) === null),
    };
    const held = sources.length > usable.sources.length || views.length > usable.views.length;
    return held ? { ...usable, held } : usable;
  };

  const ensureCompute = async ({ spec }: WantedGeneration): Promise<void> => {
    const { plan, version, generation, view } = spec;
    if (topicProblemOf(spec, topicProblem) !== null) return jobs.halt(computeJob(view, generation));
    const definition = options.viewDefinition(view, version);
    if (definition === null) return;
    const read = readTypes(spec.source, definition, plan);
    const compute = { plan, version, generation, view: definition, ...read };
    await jobs.ensure(
      computeJob(view, generation),
      computeIdentity(compute),
      async (start, storedOffsets) => {
        // Kept with the job: when it is started again, it decides lateness as it did before.
        const startOffsets = storedOffsets ?? (await log.end(rawTopic(read.source.name)));
        // A restored job needs the same sources, although it has read the history.
        const from: HistoryStart =
          start.kind === 'fresh'
            ? await options.historyStart(read.source)
            : { query: start.historyQuery, from: 'earliest' };
        return {
          ...computeJobOf(settings, { ...compute, past: startOffsets }, from),
          startOffsets,
        };
      },
    );
  };

  const discardUnwanted = async (wanted: readonly WantedView[]): Promise<void> => {
    const names = new Set([
      ...writingJobs(all(wanted)),
      ...generationsOf(wanted).map(({ spec }) => computeJob(spec.view, spec.generation)),
    ]);
    for (const job of await jobs.running()) if (!names.has(job.name)) await jobs.discard(job.name);
  };

  return {
    writing: (wanted) => writingJobs(materialized(wanted)),
    async ensure(wanted) {
      // The jobs are independent of each other. But planning a job takes a core for seconds, and
      // tiles answer without the archive: it comes last.
      const what = materialized(wanted);
      const tiles = allOf([
        ensureMaterialize(options, what),
        ...generationsOf(wanted).map(ensureCompute),
      ]);
      const archive = tiles.catch(() => {}).then(() => ensureArchive(options, what));
      await allOf([tiles, archive]);
      await discardUnwanted(wanted);
      await options.clean(wanted);
    },
  };
};
