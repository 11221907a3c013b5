/**
 * Keeps the two jobs that write what is read running what is wanted, each stopped and started again
 * where that changes: one writes the durable tier, and commits as often as reads are to be fresh;
 * the other the history, and commits as seldom as its files are to be large.
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
  /** before a history is written to: its table, made or evolved */
  readonly ensureHistory: (what: WithHistory) => Promise<void>;
  /** where the archive goes on: the offsets that the history's tables hold */
  readonly historyEndOffsets: (topic: string) => Promise<readonly number[]>;
}

/** With no job running that writes to them: a table has one committer at a time. */
const ensureTables = async (
  options: MaterializeContext,
  { sources, views, served }: Materialized,
): Promise<void> => {
  for (const source of sources) await options.ensureHistory({ source });
  for (const { generations } of views)
    for (const { plan } of generations) await options.ensureHistory({ plan });
  for (const columns of served) {
    // Whoever logs makes the topic as well; this may be another process.
    await options.log.createTopic(featureLogTopic(columns.service), { partitions: 1 });
    await options.ensureHistory({ served: columns });
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
 * Where a view's updates are read from. Its tables take an update twice without harm, the one
 * further in the log stands: so after a crash, when its offsets may have been committed and its
 * rows not, all is read again.
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
 * The jobs that write the durable tier, running what is wanted now: one for all views, and one for
 * each ephemeral view, which commits at its own interval. A table has one writer: a view that
 * changes sides is stopped on the one before it is started on the other.
 */
export const ensureMaterialize = async (
  { jobs, log, settings }: MaterializeContext,
  { views }: Materialized,
): Promise<void> => {
  const together = views.filter((view) => !isFlushed(view));
  const apart = views.filter(isFlushed);
  const wanted = new Set(apart.map(({ view }) => flushJob(view)));
  for (const { name } of await jobs.running())
    if (name.startsWith(flushJob('')) && !wanted.has(name)) await jobs.stop(name);
  if (together.length === 0) await jobs.discard(MATERIALIZE_JOB);
  else
    await jobs.ensure(MATERIALIZE_JOB, materializeIdentity(together), async (start) =>
      materializeJobOf(settings, together, await updatesFrom(log, together, start)),
    );
  for (const view of apart)
    await jobs.ensure(flushJob(view.view), flushIdentity(view), async (start) =>
      flushJobOf(settings, view, await updatesFrom(log, [view], start)),
    );
};

/**
 * The archive job, running what is wanted now: from where the tables themselves say that they are.
 */
export const ensureArchive = async (
  options: MaterializeContext,
  what: Materialized,
): Promise<void> => {
  const { jobs, log, settings } = options;
  if (what.sources.length === 0) return jobs.discard(ARCHIVE_JOB);
  await jobs.ensure(ARCHIVE_JOB, archiveIdentity(what), async () => {
    await ensureTables(options, what);
    const topics = [
      ...what.sources.map(({ name }) => rawTopic(name)),
      ...viewTopics(what.views),
      ...what.served.map(({ service }) => featureLogTopic(service)),
    ];
    return archiveJobOf(settings, what, await startsOf(log, topics, options.historyEndOffsets));
  });
};
