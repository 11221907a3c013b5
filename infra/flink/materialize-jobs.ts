/**
 * The jobs that write what is read, as SQL to submit: into the durable tier one for all views, and
 * one for each ephemeral view; into the history one for all.
 */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import {
  type FeatureLogColumns,
  featureLogFields,
} from '#domain/feature-log/feature-log-record.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import { featureLogTopic, featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import { statementSet } from '#domain/sql/flink/compute.ts';
import type { JobSettings } from './compute-job.ts';
import type { WantedJob } from './jobs.ts';
import { archiveFeatureLog, archiveRaw, archiveUpdates, tilesByKey } from './sql/materialize.ts';
import {
  ARCHIVE_GROUP,
  ARCHIVE_JOB,
  flushJob,
  MATERIALIZE_GROUP,
  MATERIALIZE_JOB,
} from './sql/names.ts';
import {
  catalogsSql,
  featureLogTableSql,
  paimonTableSql,
  rawTableSql,
  type StartAt,
  updatesTableSql,
} from './sql/tables.ts';

export interface MaterializedView {
  readonly view: string;
  /** between two commits, ms; null: with the others, at each of Flink's checkpoints */
  readonly flushMs: number | null;
  /** generations whose tiles are kept by key, oldest first; each may be of another version */
  readonly generations: readonly { readonly generation: number; readonly plan: ViewPlan }[];
}

export type FlushedView = MaterializedView & { readonly flushMs: number };

export interface Materialized {
  readonly sources: readonly SourceDefinition[];
  readonly views: readonly MaterializedView[];
  /** what services answer, as far as it is logged */
  readonly served: readonly FeatureLogColumns[];
}

/** The job that writes a view's tables of the durable tier. */
export const materializeJobFor = ({
  view,
  flushMs,
}: Pick<MaterializedView, 'view' | 'flushMs'>): string =>
  flushMs === null ? MATERIALIZE_JOB : flushJob(view);

/** All jobs that write these. */
export const writingJobs = ({ sources, views }: Materialized): readonly string[] => [
  ...new Set(views.map(materializeJobFor)),
  ...(sources.length > 0 ? [ARCHIVE_JOB] : []),
];

const plansOf = ({ generations }: MaterializedView): readonly ViewPlan[] =>
  generations.map(({ plan }) => plan);

const byKey = (views: readonly MaterializedView[]): readonly string[] =>
  views.flatMap((view) =>
    view.generations.map(({ plan, generation }) => tilesByKey(plan, generation)),
  );

const forScans = ({ sources, views, served }: Materialized): readonly string[] => [
  ...sources.map(archiveRaw),
  ...views.map((view) => archiveUpdates(plansOf(view))),
  ...served.map(archiveFeatureLog),
];

export const materializeIdentity = (views: readonly MaterializedView[]): string =>
  byKey(views).join(';\n');
export const flushIdentity = (view: FlushedView): string =>
  [...byKey([view]), `every ${view.flushMs} ms`].join(';\n');
/** With the types: a job decodes records by the schema that it was started with. */
export const archiveIdentity = (wanted: Materialized): string =>
  [
    ...wanted.sources.map(({ fields }) => JSON.stringify(fields)),
    ...wanted.served.map((columns) => JSON.stringify(featureLogFields(columns))),
    ...forScans(wanted),
  ].join(';\n');

/**
 * These jobs keep no row: from the log to a table, none need be copied on its way from one operator
 * to the next.
 */
const copyNothing = { 'pipeline.object-reuse': 'true' };

type StartOf = (topic: string) => StartAt;

/** @param startOf where a view's updates are read from */
export const materializeJobOf = (
  settings: JobSettings,
  views: readonly MaterializedView[],
  startOf: StartOf,
): WantedJob => ({
  name: MATERIALIZE_JOB,
  setup: [
    ...catalogsSql(settings.warehouse),
    ...views.flatMap((view) => [
      updatesTableSql(
        settings,
        plansOf(view),
        MATERIALIZE_GROUP,
        startOf(featuresTopic(view.view)),
      ),
      ...view.generations.map(({ plan, generation }) =>
        paimonTableSql(plan, generation, settings.paimon),
      ),
    ]),
  ],
  statement: statementSet(byKey(views)),
  properties: { 'parallelism.default': String(settings.parallelism), ...copyNothing },
});

/**
 * What is written at a flush is each tile's last state since the one before: until then the writer
 * keeps one row a key.
 */
export const flushJobOf = (
  settings: JobSettings,
  view: FlushedView,
  startOf: StartOf,
): WantedJob => {
  const job = materializeJobOf(settings, [view], startOf);
  const interval = { 'execution.checkpointing.interval': `${view.flushMs} ms` };
  return { ...job, name: flushJob(view.view), properties: { ...job.properties, ...interval } };
};

/** @param startOf where a topic is read from: the offsets that the history's tables hold */
export const archiveJobOf = (
  settings: JobSettings,
  wanted: Materialized,
  startOf: StartOf,
): WantedJob => ({
  name: ARCHIVE_JOB,
  setup: [
    ...catalogsSql(settings.warehouse),
    ...wanted.sources.map((source) =>
      rawTableSql(settings, source, ARCHIVE_GROUP, startOf(rawTopic(source.name))),
    ),
    ...wanted.views.map((view) =>
      updatesTableSql(settings, plansOf(view), ARCHIVE_GROUP, startOf(featuresTopic(view.view))),
    ),
    ...wanted.served.map((columns) =>
      featureLogTableSql(
        settings,
        columns,
        ARCHIVE_GROUP,
        startOf(featureLogTopic(columns.service)),
      ),
    ),
  ],
  statement: statementSet(forScans(wanted)),
  properties: {
    'parallelism.default': String(settings.parallelism),
    ...copyNothing,
    'execution.checkpointing.interval': `${settings.archiveEveryMs} ms`,
  },
});
