/** Starts and stops Flink's jobs until what runs is what the registry wants. */
import type { FeatureViewDefinition, SourceDefinition } from '#domain/definitions/model.ts';
import { MillraceError } from '#domain/errors.ts';
import type { FeatureLogColumns } from '#domain/feature-log/feature-log-record.ts';
import type { GenerationSpec, WantedGeneration, WantedView } from '#domain/ports/engine.ts';
import { featureLogTopic, featuresTopic, lateTopic, rawTopic } from '#domain/ports/topics.ts';
import { historyMarks } from '#domain/sql/flink/compute.ts';
import type { ComputeSpec } from '#domain/sql/flink/compute-spec.ts';
import { readTypes } from '#domain/sql/flink/read-types.ts';
import { computeIdentity, computeJobOf, type HistoryStart } from './compute-job.ts';
import { ensureArchive, ensureMaterialize, type MaterializeContext } from './ensure-materialize.ts';
import { type Materialized, writingJobs } from './materialize-jobs.ts';
import { computeGroup, computeJob } from './sql/names.ts';

export interface WantedJobsOptions extends MaterializeContext {
  /** null: retired, and not reconciled yet */
  readonly viewDefinition: (view: string, version: number) => FeatureViewDefinition | null;
  readonly sources: () => readonly SourceDefinition[];
  /** the services whose answers are logged */
  readonly featureLogs: () => readonly FeatureLogColumns[];
  /** what a new compute job reads besides Kafka */
  readonly historyStart: (source: SourceDefinition) => Promise<HistoryStart>;
  /** Runs a query of the watermarks of the history (`historyMarks`). */
  readonly historyMarks: (query: string) => Promise<readonly (number | null)[]>;
  /**
   * Why a computation that has read a raw topic up to these offsets cannot go on: the log has
   * deleted events behind them. null: it can.
   */
  readonly unread: (topic: string, read: readonly number[]) => Promise<MillraceError | null>;
  /** Events that a log deleted before the history had them. null: there are none. */
  readonly lostEvents: (topic: string) => Promise<MillraceError | null>;
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

/** Where a computation starts. */
interface Started {
  readonly from: HistoryStart;
  /** see ComputeSpec */
  readonly past: readonly number[];
  readonly marks?: readonly (number | null)[];
  readonly updatesFrom?: readonly number[];
}

/** How often topics are compared with the history. */
const LOST_MS = 10_000;

const REFUSALS: ReadonlySet<string | null> = new Set(['MR_REPLAY_NEEDED', 'MR_EVENTS_LOST']);
const codeOf = (error: unknown): string | null =>
  error instanceof MillraceError ? error.code : null;

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

  /** @throws MR_REPLAY_NEEDED, MR_EVENTS_LOST where events that it has not read are gone */
  const assertGoesOn = async (topic: string, group: string): Promise<void> => {
    const problem = await options.unread(topic, await log.committed(group, topic));
    if (problem !== null) throw problem;
  };

  const freshStart = async (
    compute: ComputeSpec,
    storedOffsets: readonly number[] | null,
  ): Promise<Started> => {
    const topic = rawTopic(compute.source.name);
    const consumer = computeGroup(compute.plan.view, compute.generation);
    // It begins again: until its first checkpoint, nothing that it reads may be trimmed.
    const positions = (await log.committed(consumer, topic)).flatMap((offset, partition) =>
      offset > 0 ? [{ consumer, topic, partition, offset: 0 }] : [],
    );
    if (positions.length > 0) await log.append({ records: [], positions });
    const from = await options.historyStart(compute.source);
    // Read after the history's ends: events of the history are from before the start.
    const past = storedOffsets ?? (await log.end(topic));
    // It computes everything again: all of its tiles are updated after this.
    const updatesFrom = await log.end(featuresTopic(compute.plan.view));
    const marks = from.query === null ? null : historyMarks(compute, `(${from.query})`);
    if (marks === null) return { from, past, updatesFrom };
    if (from.from !== 'earliest' && from.from.some((at) => at.offset > (past[at.partition] ?? 0)))
      throw new MillraceError(
        'MR_REPLAY_NEEDED',
        `view "${compute.plan.view}" has lost its state, and the log no longer has the events since generation ${compute.generation} began: their order, which decides what is late, is not in the history`,
        { view: compute.plan.view, generation: compute.generation },
      );
    return { from, past, updatesFrom, marks: await options.historyMarks(marks) };
  };

  const startCompute = async ({ spec, state }: WantedGeneration): Promise<void> => {
    const { plan, version, generation, view } = spec;
    const name = computeJob(view, generation);
    if (topicProblemOf(spec, topicProblem) !== null) return jobs.halt(name);
    const definition = options.viewDefinition(view, version);
    if (definition === null) return;
    const read = readTypes(spec.source, definition, plan);
    const compute = { plan, version, generation, view: definition, ...read };
    const topic = rawTopic(read.source.name);
    const ensure = (): Promise<string> =>
      jobs.ensure(name, computeIdentity(compute), async (start, storedOffsets) => {
        if (start.kind === 'restored') await assertGoesOn(topic, computeGroup(view, generation));
        const { from, past, marks, updatesFrom } =
          start.kind === 'fresh'
            ? await freshStart(compute, storedOffsets)
            : {
                // It needs the same sources, although it may have read the history.
                from: { query: start.historyQuery, from: 'earliest' as const },
                // Kept with the job: it decides lateness as it did before.
                past: storedOffsets ?? (await log.end(topic)),
                marks: start.historyMarks,
                ...(start.updatesFrom === undefined ? {} : { updatesFrom: start.updatesFrom }),
              };
        const started = { ...compute, past, ...(marks === undefined ? {} : { marks }) };
        const job = { ...computeJobOf(settings, started, from), startOffsets: past };
        return updatesFrom === undefined ? job : { ...job, updatesFrom };
      });
    try {
      await ensure();
    } catch (error) {
      // No read uses a generation that is filled: it begins again.
      if (state !== 'filling' || codeOf(error) !== 'MR_REPLAY_NEEDED') throw error;
      await jobs.discard(name);
      await ensure();
    }
  };

  /** What cannot be computed holds nothing else up. */
  const ensureCompute = async (
    wanted: WantedGeneration,
    refused: (error: unknown) => void,
  ): Promise<void> => {
    try {
      await startCompute(wanted);
    } catch (error) {
      if (!REFUSALS.has(codeOf(error))) throw error;
      refused(error);
    }
  };

  let archivable: { readonly at: number; readonly lost: ReadonlyMap<string, unknown> } | null =
    null;
  /** Topics whose history would have a gap, if it went on, and why. */
  const lostTopics = async ({
    sources,
    featureLogs,
  }: Materialized): Promise<ReadonlyMap<string, unknown>> => {
    if (archivable !== null && Date.now() - archivable.at < LOST_MS) return archivable.lost;
    const lost = new Map<string, unknown>();
    for (const topic of [
      ...sources.map(({ name }) => rawTopic(name)),
      ...featureLogs.map(({ service }) => featureLogTopic(service)),
    ]) {
      // A topic that cannot be read, or a table, is another problem, which its job reports.
      const error = await options.lostEvents(topic).catch(() => null);
      if (error !== null) lost.set(topic, error);
    }
    archivable = { at: Date.now(), lost };
    return lost;
  };

  const ensureHistories = async (
    what: Materialized,
    refused: (error: unknown) => void,
  ): Promise<void> => {
    const lost = await lostTopics(what);
    for (const error of lost.values()) refused(error);
    const sources = what.sources.filter(({ name }) => !lost.has(rawTopic(name)));
    const featureLogs = what.featureLogs.filter(
      ({ service }) => !lost.has(featureLogTopic(service)),
    );
    const held = what.held === true || sources.length < what.sources.length;
    await ensureArchive(options, { ...what, sources, featureLogs, ...(held ? { held } : {}) });
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
      const refusals: unknown[] = [];
      const refused = (error: unknown): void => void refusals.push(error);
      const tiles = allOf([
        ensureMaterialize(options, what),
        ...generationsOf(wanted).map((generation) => ensureCompute(generation, refused)),
      ]);
      const archive = tiles.catch(() => {}).then(() => ensureHistories(what, refused));
      await allOf([tiles, archive]);
      await discardUnwanted(wanted);
      await options.clean(wanted);
      if (refusals.length > 0) throw refusals[0];
    },
  };
};
