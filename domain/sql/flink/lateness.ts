/**
 * The lateness rule (`domain/tiles/lateness.ts`) in Flink SQL, decided once for each event. The log
 * orders events only within a partition, so each partition has its own watermark and every run
 * decides alike. With one partition, the default, the decisions equal those of `TileStore`.
 */

import type { ViewPlan } from '#domain/plan/plan.ts';
import { widestHopMs } from '#domain/tiles/lateness.ts';
import type { ComputeSpec } from './compute-spec.ts';
import { lateSink } from './names.ts';
import { flinkName, flinkText } from './types.ts';

/** One part of an entity's key as text, as `encodeKey` writes it. */
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

/** The column of the events that holds an imported event's known time, if the source has one. */
export const KNOWN_TIME = 'mr_known_time';
const KNOWN_LOG_TIME = `COALESCE(${KNOWN_TIME}, mr_log_time)`;

interface LatenessSql {
  /** CREATE VIEW: the events with their partition's watermark */
  readonly marked: string;
  /** CREATE VIEW: the events that are not late */
  readonly kept: string;
  /** INSERT: the late events, into late.<view> */
  readonly late: string;
}

/** The time up to which an event moves its partition's watermark. */
const markOf = (spec: ComputeSpec): string => {
  const time = spec.source.knownTime === undefined ? 'mr_log_time' : KNOWN_LOG_TIME;
  return `MAX(LEAST(event_time, ${time}))`;
};

const LEAST_MARK = '-8640000000000000';

/** At least the watermark of the history, which is read beside the log. */
const withHistory = (marks: ComputeSpec['marks'], mark: string): string => {
  const known = (marks ?? []).flatMap((time, partition) =>
    time === null ? [] : [`WHEN ${partition} THEN CAST(${time} AS BIGINT)`],
  );
  return known.length === 0
    ? mark
    : `GREATEST(${mark}, CASE mr_partition ${known.join(' ')} ELSE CAST(${LEAST_MARK} AS BIGINT) END)`;
};

/** @param events the events of the history */
export const historyMarksSql = (spec: ComputeSpec, events: string): string =>
  `SELECT CAST(mr_partition AS STRING), CAST(${markOf(spec)} AS STRING)
FROM (${events}) GROUP BY mr_partition`;

export const lateness = (spec: ComputeSpec, events: string, view: string): LatenessSql => {
  const { plan, past = [], generation } = spec;
  const hop = widestHopMs(plan);
  const closes = `(event_time - MOD(MOD(event_time, ${hop}) + ${hop}, ${hop}) + ${hop + (plan.latenessMs ?? 0)})`;
  const before = past.flatMap((offset, partition) =>
    offset > 0 ? [`(mr_partition = ${partition} AND mr_offset < ${offset})`] : [],
  );
  const known = spec.source.knownTime === undefined ? null : KNOWN_TIME;
  const isLate = [
    `${closes} < mr_mark`,
    ...(known === null ? [] : [`${known} IS NULL`]),
    ...(before.length === 0 ? [] : [`NOT (${before.join(' OR ')})`]),
  ].join(' AND ');
  const mark = `${markOf(spec)} OVER (
    PARTITION BY mr_partition ORDER BY mr_proctime ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)`;
  return {
    marked: `CREATE TEMPORARY VIEW marked_${view} AS
SELECT *, ${withHistory(spec.marks, mark)} AS mr_mark
FROM (SELECT *, PROCTIME() AS mr_proctime FROM (${events}))`,
    kept: `CREATE TEMPORARY VIEW ${view} AS\nSELECT * FROM marked_${view} WHERE NOT (${isLate})`,
    late: `INSERT INTO ${lateSink(plan.view)}
SELECT ${keyText(plan)}, event_time, mr_partition, mr_offset, CAST(${hop} AS BIGINT), mr_mark - ${closes}, ${generation}
FROM marked_${view} WHERE ${isLate}`,
  };
};
