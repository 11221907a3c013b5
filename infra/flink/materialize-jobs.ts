/**
 * The jobs that write the stores, as SQL to submit. The durable tier has one job for all views, and
 * one more for each ephemeral view; the history has one job for everything.
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
  /** between two commits, ms; null: written by the job of all views, at each checkpoint */
  readonly flushMs: number | null;
  /** generations whose tiles are kept by key, oldest first; their versions may differ */
  readonly generations: readonly { readonly generation: number; readonly plan: ViewPlan }[];
}

export type FlushedView = MaterializedView & { readonly flushMs: number };

export interface Materialized {
  readonly sources: readonly SourceDefinition[];
  readonly views: readonly MaterializedView[];
  /** of the services whose answers are logged */
  readonly featureLogs: readonly FeatureLogColumns[];
  /** true: some are left out because their topics cannot be used; absent: none is */
  readonly held?: boolean;
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

const forScans = ({ sources, views, featureLogs }: Materialized): readonly string[] => [
  ...sources.map(archiveRaw),
  ...views.map((view) => archiveUpdates(plansOf(view))),
  ...featureLogs.map(archiveFeatureLog),
];

export const materializeIdentity = (views: readonly MaterializedView[]): string =>
  byKey(views).join(';\n');
export const flushIdentity = (view: FlushedView): string =>
  [...byKey([view]), `every ${view.flushMs} ms`].join(';\n');
/** Contains the types, because a job decodes records by the schema that it was started with. */
export const archiveIdentity = (wanted: Materialized): string =>
  [
    ...wanted.sources.map(({ fields }) => JSON.stringify(fields)),
    ...wanted.featureLogs.map((columns) => JSON.stringify(featureLogFields(columns))),
    ...forScans(wanted),
  ].join(';\n');

/** These jobs keep no row, so rows need not be copied between operators. */
const reuseRows = { 'pipeline.object-reuse': 'true' };

type StartOf = (topic: string) => StartAt;

/** @param startOf where the updates of each view are read from */
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
  properties: { 'parallelism.default': String(settings.parallelism), ...reuseRows },
});

/**
 * A flush writes the last state of each tile that changed: until then the writer keeps one row a
 * key.
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

/** @param startOf where a topic is read from: the offsets that the history's tables have */
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
    ...wanted.featureLogs.map((columns) =>
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
    ...reuseRows,
    'execution.checkpointing.interval': `${settings.archiveEveryMs} ms`,
  },
});
