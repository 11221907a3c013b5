/**
 * The compute jobs, as SQL to submit: one a generation.
 *
 * A compute job without state reads everything: the history's table up to the offsets that it has,
 * and Kafka from there on, both at the same time. The order of events does not matter to a tile, so
 * the job need not switch from one to the other.
 */
import type { FeatureViewDefinition, SourceDefinition } from '#domain/definitions/model.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import { computeSql, statementSet } from '#domain/sql/flink/compute.ts';
import type { ComputeSpec } from '#domain/sql/flink/compute-spec.ts';
import { readTypes } from '#domain/sql/flink/read-types.ts';
import { closesTiles } from '#domain/tiles/lateness.ts';
import type { JobIdentity, WantedJob } from './jobs.ts';
import { computeGroup, computeJob, rawTable } from './sql/names.ts';
import {
  catalogsSql,
  featuresSinkSql,
  lateSinkSql,
  type PaimonSettings,
  rawTableSql,
  type StartAt,
  type TableSettings,
  TRACE_COLUMNS,
} from './sql/tables.ts';

export interface JobSettings extends TableSettings {
  readonly warehouse: { readonly paimon: string; readonly iceberg: string };
  readonly paimon: PaimonSettings;
  readonly parallelism: number;
  /** how long Flink gathers events into one batch, ms */
  readonly miniBatchMs: number;
  /**
   * between two commits of the history's tables, ms: how large their files are, and how far behind
   * the log they may be
   */
  readonly archiveEveryMs: number;
}

const computeProperties = ({
  parallelism,
  miniBatchMs,
}: JobSettings): Readonly<Record<string, string>> => ({
  'parallelism.default': String(parallelism),
  'table.exec.mini-batch.enabled': 'true',
  'table.exec.mini-batch.allow-latency': `${miniBatchMs} ms`,
  'table.exec.mini-batch.size': '5000',
  // A checkpoint writes all of a job's state. Where that is large, checkpoints must not take up the
  // whole time.
  'execution.checkpointing.min-pause': '1 s',
});

export interface HistoryStart {
  /** the history's raw table as a query with the log's columns; null: the log has every event */
  readonly query: string | null;
  /** where Kafka continues, by partition */
  readonly from: StartAt;
}

/**
 * The identity of a compute job. `state`: what its state means. It depends neither on where the job
 * started, nor on the version's number, because a version that only changes a description keeps the
 * running generation, nor on the width of numbers, because all are kept as doubles. `statements`:
 * what it runs, by which the job goes on with the same state.
 */
export const computeIdentity = (spec: ComputeSpec): JobIdentity => {
  const textOf = (columns: ComputeSpec['columns']): string => {
    const { views, inserts } = computeSql(
      { ...spec, version: 0, past: [], marks: [], ...(columns === undefined ? {} : { columns }) },
      'events',
    );
    return [JSON.stringify(spec.source.fields), ...views, ...inserts].join(';\n');
  };
  const statements = textOf(spec.columns);
  try {
    return { state: textOf(sourceFields(spec.source)), statements };
  } catch {
    return { state: statements, statements }; // an expression takes whole numbers only
  }
};

export const computeJobOf = (
  settings: JobSettings,
  spec: ComputeSpec,
  start: HistoryStart,
): WantedJob => {
  const { plan, source, generation } = spec;
  const table = rawTable(source.name);
  const from =
    start.query === null
      ? table
      : `(SELECT ${Object.keys(source.fields)
          .map((name) => `\`${name}\``)
          .join(
            ', ',
          )}, mr_partition, mr_offset, mr_log_time, mr_trace FROM ${table} UNION ALL ${start.query})`;
  const { views, inserts } = computeSql(spec, from);
  return {
    name: computeJob(plan.view, generation),
    setup: [
      ...(start.query === null ? [] : catalogsSql(settings.warehouse)),
      rawTableSql(settings, source, computeGroup(plan.view, generation), start.from, TRACE_COLUMNS),
      featuresSinkSql(settings, plan),
      ...(closesTiles(plan) ? [lateSinkSql(settings, plan.view)] : []),
      ...views,
    ],
    statement: statementSet(inserts),
    properties: computeProperties(settings),
    historyQuery: start.query,
    ...(spec.marks === undefined ? {} : { historyMarks: spec.marks }),
  };
};

/** The SQL that `millrace show VIEW --sql` prints. */
export const shownSql = (
  plan: ViewPlan,
  view: FeatureViewDefinition,
  source: SourceDefinition,
  version: number,
): string => {
  const { views, inserts } = computeSql(
    { plan, view, version, generation: 1, ...readTypes(source, view, plan) },
    rawTable(source.name),
  );
  return `${[...views, ...inserts].join(';\n\n')};\n`;
};
