/**
 * Lateness in Flink SQL, decided once an event, as the TypeScript engine decides it: an event is
 * late if the widest of its tiles ended more than the view's lateness before the watermark, the
 * largest min(event time, log time) so far.
 *
 * So far is in the order of the log, and that is an order within a partition: each partition has a
 * watermark of its own, so the decision is the same in every run. With one partition, the default,
 * it is the engine's.
 */

import type { ViewPlan } from '#domain/plan/plan.ts';
import { flinkName, flinkText } from '#domain/sql/flink/types.ts';
import type { ComputeSpec } from './compute.ts';
import { lateSink } from '#infra/flink/sql/names.ts';

const widestHop = (plan: ViewPlan): number => Math.max(0, ...plan.hops.map((hop) => hop.hopMs));

/** Whether the view ever leaves an event out. */
export const closesTiles = ({ plan }: ComputeSpec): boolean =>
  plan.latenessMs !== null && widestHop(plan) > 0;

/** One part of an entity's key as text: the form in which the platform names entities. */
const partText = ({ name, type }: ViewPlan['keys'][number], only: boolean): string => {
  const column = flinkName(`key_${name}`);
  if (type.base === 'string' || type.base === 'bytes')
    return only
      ? column
      : `REPLACE(REPLACE(${column}, ${flinkText('\\')}, ${flinkText('\\\\')}), U&'\\001F', ${flinkText('\\')} || U&'\\001F')`;
  if (type.base === 'boolean') return `(CASE WHEN ${column} THEN 'true' ELSE 'false' END)`;
  if (type.base === 'float' || type.base === 'double')
    return `MR_NUMBER_TEXT(CAST(${column} AS DOUBLE))`;
  return `CAST(${column} AS STRING)`;
};

const keyText = ({ keys }: ViewPlan): string =>
  keys.map((key) => partText(key, keys.length === 1)).join(` || U&'\\001F' || `);

export interface LatenessSql {
  /** the events with their partition's watermark */
  readonly marked: string;
  /** those that count */
  readonly kept: string;
  /** the others, told in late.<view> */
  readonly late: string;
}

export const lateness = (spec: ComputeSpec, events: string, view: string): LatenessSql => {
  const { plan, past = [], generation } = spec;
  const hop = widestHop(plan);
  const closes = `(event_time - MOD(MOD(event_time, ${hop}) + ${hop}, ${hop}) + ${hop + (plan.latenessMs ?? 0)})`;
  const before = past.flatMap((offset, partition) =>
    offset > 0 ? [`(mr_partition = ${partition} AND mr_offset < ${offset})`] : [],
  );
  const isLate = [
    `${closes} < mr_mark`,
    ...(before.length === 0 ? [] : [`NOT (${before.join(' OR ')})`]),
  ].join(' AND ');
  return {
    marked: `CREATE TEMPORARY VIEW marked_${view} AS
SELECT *, MAX(LEAST(event_time, mr_log_time)) OVER (
    PARTITION BY mr_partition ORDER BY mr_proctime ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS mr_mark
FROM (SELECT *, PROCTIME() AS mr_proctime FROM (${events}))`,
    kept: `CREATE TEMPORARY VIEW ${view} AS\nSELECT * FROM marked_${view} WHERE NOT (${isLate})`,
    late: `INSERT INTO ${lateSink(plan.view)}
SELECT ${keyText(plan)}, event_time, mr_partition, mr_offset, CAST(${hop} AS BIGINT), mr_mark - ${closes}, ${generation}
FROM marked_${view} WHERE ${isLate}`,
  };
};
