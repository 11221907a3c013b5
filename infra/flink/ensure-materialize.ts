/**
 * Keeps the two jobs that write what is read running what is wanted, each stopped and started again where that changes: one writes the
 * primary store, and commits as often as reads are to be fresh; the other the history, and commits as seldom as its files are to be large.
 */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { Log } from '#domain/ports/log.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import type { ViewPlan } from '#domain/views/plan.ts';
import {
  archiveIdentity,
  archiveJobOf,
  type JobSettings,
  type Materialized,
  materializeIdentity,
  materializeJobOf,
} from './compute-job.ts';
import type { FlinkJobs } from './jobs.ts';
import { ARCHIVE_JOB, MATERIALIZE_GROUP, MATERIALIZE_JOB } from './sql/names.ts';
import type { StartAt } from './sql/tables.ts';

export interface MaterializeContext {
  readonly jobs: FlinkJobs;
  readonly log: Log;
  readonly settings: JobSettings;
  /** before a source's or a view's history is written to: its table, made or evolved */
  readonly ensureHistory: (what: { readonly source: SourceDefinition } | { readonly plan: ViewPlan }) => Promise<void>;
  /** where the archive goes on: the offsets that the history's tables hold */
  readonly historyThrough: (topic: string) => Promise<readonly number[]>;
}

/** With no job running that writes to them: a table has one committer at a time. */
const ensureTables = async (options: MaterializeContext, { sources, views }: Materialized): Promise<void> => {
  for (const source of sources) await options.ensureHistory({ source });
  for (const { generations } of views) for (const { plan } of generations) await options.ensureHistory({ plan });
};

const startsOf = async (
  log: Pick<Log, 'end'>,
  topics: readonly string[],
  reached: (topic: string) => Promise<readonly (number | null)[]>,
): Promise<(topic: string) => StartAt> => {
  const starts = new Map<string, StartAt>();
  for (const topic of topics) {
    const through = await reached(topic);
    const partitions = await log.end(topic);
    starts.set(
      topic,
      partitions.map((_, partition) => ({ partition, offset: through[partition] ?? 0 })),
    );
  }
  return (topic) => starts.get(topic) ?? 'earliest';
};

const viewTopics = ({ views }: Materialized): readonly string[] => views.map(({ view }) => featuresTopic(view));
const sourceTopics = ({ sources }: Materialized): readonly string[] => sources.map(({ name }) => rawTopic(name));

/** The materialize job, running what is wanted now. Its tables take an update twice without harm: the one further in the log stands. */
export const ensureMaterialize = async ({ jobs, log, settings }: MaterializeContext, what: Materialized): Promise<void> => {
  if (what.views.length === 0) return jobs.discard(MATERIALIZE_JOB);
  await jobs.ensure(MATERIALIZE_JOB, materializeIdentity(what), async (start) => {
    // After a crash its offsets may have been committed and its rows not.
    const again = start.kind === 'fresh' && start.afterCrash;
    const startOf = await startsOf(log, viewTopics(what), (topic) => log.committed(MATERIALIZE_GROUP, topic));
    return materializeJobOf(settings, what, again ? () => 'earliest' : startOf);
  });
};

/** The archive job, running what is wanted now: from where the tables themselves say that they are. */
export const ensureArchive = async (options: MaterializeContext, what: Materialized): Promise<void> => {
  const { jobs, log, settings } = options;
  if (what.sources.length === 0) return jobs.discard(ARCHIVE_JOB);
  await jobs.ensure(ARCHIVE_JOB, archiveIdentity(what), async () => {
    await ensureTables(options, what);
    return archiveJobOf(
      settings,
      what,
      await startsOf(log, [...sourceTopics(what), ...viewTopics(what)], options.historyThrough),
    );
  });
};
