/**
 * Keeps the jobs that write the stores running what is wanted; a job whose statements change is
 * stopped and started again. The durable tier's jobs commit often, because reads should be fresh;
 * the history's job commits seldom, because its files should be large.
 */
import type { Log } from '#domain/ports/log.ts';
import { featureLogTopic, featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import type { JobSettings } from './compute-job.ts';
import type { WithHistory } from './history.ts';
import type { FlinkJobs, JobStart } from './jobs.ts';
import {
  archiveIdentity,
  archiveJobOf,
  type FlushedView,
  flushIdentity,
  flushJobOf,
  type Materialized,
  type MaterializedView,
  materializeIdentity,
  materializeJobOf,
} from './materialize-jobs.ts';
import { ARCHIVE_JOB, flushJob, MATERIALIZE_GROUP, MATERIALIZE_JOB } from './sql/names.ts';
import type { StartAt } from './sql/tables.ts';

export interface MaterializeContext {
  readonly jobs: FlinkJobs;
  readonly log: Log;
  readonly settings: JobSettings;
  /** creates a table of the history, or adds the columns that it lacks */
  readonly ensureHistory: (what: WithHistory) => Promise<void>;
  /** the offsets that the history's tables have: the archive continues there */
  readonly historyEndOffsets: (topic: string) => Promise<readonly number[]>;
}

/** Called while no job writes to them: a table has one committer at a time. */
const ensureTables = async (
  options: MaterializeContext,
  { sources, views, featureLogs }: Materialized,
): Promise<void> => {
  for (const source of sources) await options.ensureHistory({ source });
  for (const { generations } of views)
    for (const { plan } of generations) await options.ensureHistory({ plan });
  for (const columns of featureLogs) {
    // The process that logs answers creates the topic too; it may be another process.
    await options.log.createTopic(featureLogTopic(columns.service), { partitions: 1 });
    await options.ensureHistory({ featureLog: columns });
  }
};

const startsOf = async (
  log: Pick<Log, 'end'>,
  topics: readonly string[],
  reached: (topic: string) => Promise<readonly (number | null)[]>,
): Promise<(topic: string) => StartAt> => {
  const starts = new Map<string, StartAt>();
  for (const topic of topics) {
    const endOffsets = await reached(topic);
    const partitions = await log.end(topic);
    starts.set(
      topic,
      partitions.map((_, partition) => ({ partition, offset: endOffsets[partition] ?? 0 })),
    );
  }
  return (topic) => starts.get(topic) ?? 'earliest';
};

const viewTopics = (views: readonly MaterializedView[]): readonly string[] =>
  views.map(({ view }) => featuresTopic(view));

/**
 * Where the updates of views are read from. Writing an update twice changes nothing, because the
 * later one in the log wins. So after a crash, when offsets may have been committed and their rows
 * not, everything is read again.
 */
const updatesFrom = async (
  log: Log,
  views: readonly MaterializedView[],
  start: JobStart,
): Promise<(topic: string) => StartAt> =>
  start.kind === 'fresh' && start.afterCrash
    ? () => 'earliest'
    : startsOf(log, viewTopics(views), (topic) => log.committed(MATERIALIZE_GROUP, topic));

const isFlushed = (view: MaterializedView): view is FlushedView => view.flushMs !== null;

/**
 * Brings the durable tier's jobs to what is wanted: one for all views, and one for each ephemeral
 * view, which commits at its own interval. A table has one writer, so a view that moves from one
 * job to another is stopped in the first before it is started in the second.
 */
export const ensureMaterialize = async (
  { jobs, log, settings }: MaterializeContext,
  { views, held = false }: Materialized,
): Promise<void> => {
  const shared = views.filter((view) => !isFlushed(view));
  const flushed = views.filter(isFlushed);
  const wanted = new Set(flushed.map(({ view }) => flushJob(view)));
  for (const { name } of await jobs.running())
    if (name.startsWith(flushJob('')) && !wanted.has(name)) await jobs.stop(name);
  if (shared.length === 0) await (held ? jobs.halt : jobs.discard)(MATERIALIZE_JOB);
  else
    await jobs.ensure(MATERIALIZE_JOB, { state: materializeIdentity(shared) }, async (start) =>
      materializeJobOf(settings, shared, await updatesFrom(log, shared, start)),
    );
  for (const view of flushed)
    await jobs.ensure(flushJob(view.view), { state: flushIdentity(view) }, async (start) =>
      flushJobOf(settings, view, await updatesFrom(log, [view], start)),
    );
};

/** Brings the archive job to what is wanted; it continues at the offsets that the tables record. */
export const ensureArchive = async (
  options: MaterializeContext,
  what: Materialized,
): Promise<void> => {
  const { jobs, log, settings } = options;
  if (what.sources.length === 0)
    return (what.held === true ? jobs.halt : jobs.discard)(ARCHIVE_JOB);
  await jobs.ensure(ARCHIVE_JOB, { state: archiveIdentity(what) }, async () => {
    await ensureTables(options, what);
    const topics = [
      ...what.sources.map(({ name }) => rawTopic(name)),
      ...viewTopics(what.views),
      ...what.featureLogs.map(({ service }) => featureLogTopic(service)),
    ];
    return archiveJobOf(settings, what, await startsOf(log, topics, options.historyEndOffsets));
  });
};
