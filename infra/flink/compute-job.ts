/**
 * The compute jobs that a registry's views need, as SQL to submit: one a generation.
 *
 * A compute job starts from nothing at the beginning of what is known: the history's table up to
 * the offsets that it holds, side by side with Kafka from there on. Order does not matter to a
 * tile, so the two need no switch from one to the other.
 */
import type { FeatureViewDefinition, SourceDefinition } from '#domain/definitions/model.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import { computeSql, statementSet } from '#domain/sql/flink/compute.ts';
import type { ComputeSpec } from '#domain/sql/flink/compute-spec.ts';
import { closesTiles } from '#domain/tiles/lateness.ts';
import type { WantedJob } from './jobs.ts';
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
  /** how long the engine gathers events before it takes them in, ms */
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
  // A checkpoint is all of a job's state: where that is much, at most every other moment is given
  // to it.
  'execution.checkpointing.min-pause': '1 s',
});

export interface HistoryStart {
  /**
   * the history's raw table as a query with the log's columns; null: the log has all that there is
   */
  readonly query: string | null;
  /** where Kafka goes on, a partition each */
  readonly from: StartAt;
}

/**
 * The identity of a compute job: what its state means. It hangs neither on where it started nor on
 * the version's number: a version that changes a description adopts the running generation, and
 * must not make it compute anew.
 */
export const computeIdentity = (spec: ComputeSpec): string => {
  const { views, inserts } = computeSql({ ...spec, version: 0, past: [] }, 'events');
  return [JSON.stringify(spec.source.fields), ...views, ...inserts].join(';\n');
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
  };
};

/** What `millrace show VIEW --sql` prints. */
export const shownSql = (
  plan: ViewPlan,
  view: FeatureViewDefinition,
  source: SourceDefinition,
  version: number,
): string => {
  const { views, inserts } = computeSql(
    { plan, view, source, version, generation: 1 },
    rawTable(source.name),
  );
  return `${[...views, ...inserts].join(';\n\n')};\n`;
};
