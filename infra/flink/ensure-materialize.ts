/** Keeps the one materialize job running what is wanted: stopped, its tables seen to, and started again where that changes. */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { Log } from '#domain/ports/log.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import type { ViewPlan } from '#domain/views/plan.ts';
import { type JobSettings, type Materialized, materializeIdentity, materializeJobOf } from './compute-job.ts';
import type { FlinkJobs } from './jobs.ts';
import { MATERIALIZE_JOB } from './sql/names.ts';
import type { StartAt } from './sql/tables.ts';

export interface MaterializeContext {
  readonly jobs: FlinkJobs;
  readonly log: Log;
  readonly settings: JobSettings;
  /** before a source's or a view's history is written to: its table, made or evolved */
  readonly ensureHistory: (what: { readonly source: SourceDefinition } | { readonly plan: ViewPlan }) => Promise<void>;
  /** where the job goes on: the offsets that the history's tables hold */
  readonly historyThrough: (topic: string) => Promise<readonly number[]>;
}

/** With no job running that writes to them: a table has one committer at a time. */
const ensureTables = async (options: MaterializeContext, { sources, views }: Materialized): Promise<void> => {
  for (const source of sources) await options.ensureHistory({ source });
  for (const { generations } of views) for (const { plan } of generations) await options.ensureHistory({ plan });
};

/** The materialize job, running what is wanted now. */
export const ensureMaterialize = async (options: MaterializeContext, what: Materialized): Promise<void> => {
  const { jobs, log, settings } = options;
  if (what.sources.length === 0) return;
  await jobs.ensure(MATERIALIZE_JOB, materializeIdentity(what), async (start) => {
    await ensureTables(options, what);
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
