/**
 * A view's values at the ends of periods, from its tiles: one row for each entity and period, in a
 * table of the history's catalog.
 *
 *   tiles × periods: each tile once for every period at whose end some window contains it
 *   GROUP BY entity and period: the tiles of each feature's window are merged, as a reader merges
 *   them
 *   values: each feature's value of its merged states
 *
 * Periods are half open: an event at the exact end of a period belongs to the next one. So a
 * feature whose tiles end with the period is exact, and no tile is split.
 */

import type { PlannedFeature, ViewPlan } from '#domain/plan/plan.ts';
import { keyColumn, takenColumn } from '#domain/rollups/rollup-columns.ts';
import { PERIOD_MS, type RollupPeriod } from '#domain/rollups/rollup-name.ts';
import { FLINK } from '#domain/sql/flink/dialect.ts';
import { flinkName, flinkText } from '#domain/sql/flink/types.ts';
import { mergeValues } from '#domain/sql/print-aggregation.ts';
import { formatDuration } from '#domain/values/duration.ts';
import type { FieldType } from '#domain/values/value.ts';
import { DATABASE, PAIMON_CATALOG, paimonTable, rollupTable } from './names.ts';

export interface RollupSpec {
  readonly plan: ViewPlan;
  readonly version: number;
  readonly generation: number;
  readonly features: readonly PlannedFeature[];
  readonly every: RollupPeriod;
  /** epoch ms: the first period's start and the last one's end */
  readonly from: number;
  readonly to: number;
  /** epoch ms, written to every row */
  readonly writtenAt: number;
}

/** The reason why tiles do not give a feature's value at the end of a period; null if they do. */
export const notInTiles = (
  plan: ViewPlan,
  { name, type, windowMs, hop }: PlannedFeature,
  every: RollupPeriod,
): string | null => {
  const { hopMs } = plan.hops[hop] as ViewPlan['hops'][number];
  if (plan.existence !== null)
    return `"${name}" is over a dimension: whether an entity existed at the end of a period is in no tile`;
  if (windowMs === null || hopMs === 0)
    return `"${name}" covers all time: its only tile has no past states`;
  if (PERIOD_MS[every] % hopMs !== 0)
    return `"${name}" has tiles of ${formatDuration(hopMs)}, which do not end with the ${every}: use a hop that divides the ${every}`;
  if (type.base === 'bytes' || (type.array && (type.base === 'timestamp' || type.base === 'date')))
    return `"${name}" gives ${type.array ? 'a list of ' : ''}${type.base}, for which the table has no column type`;
  if (takenColumn(plan.keys, [{ name }]) !== null)
    return `"${name}" has the name of one of the table's own columns`;
  return null;
};

const long = (value: number): string => `CAST(${value} AS BIGINT)`;

/** Converts epoch ms and days to the table's timestamps and dates. */
const columnValue = (sql: string, { base, array }: FieldType): string => {
  if (array) return sql;
  if (base === 'timestamp') return `TO_TIMESTAMP_LTZ(${sql}, 3)`;
  return base === 'date' ? `TIMESTAMPADD(DAY, ${sql}, DATE '1970-01-01')` : sql;
};

/** The widest requested window of each hop, ms. */
const reaches = ({
  plan,
  features,
}: RollupSpec): readonly (readonly [hopMs: number, reachMs: number])[] => {
  const found = new Map<number, number>();
  for (const { hop, windowMs } of features) {
    const { hopMs } = plan.hops[hop] as ViewPlan['hops'][number];
    found.set(hopMs, Math.max(found.get(hopMs) ?? 0, windowMs as number));
  }
  return [...found];
};

/**
 * Replaces whole days: the table is partitioned by day, and an INSERT OVERWRITE replaces the days
 * of its rows. An entity has a row if one of its windows contains an event and its time to live has
 * not passed.
 */
export const rollupSql = (spec: RollupSpec): string => {
  const { plan, features, generation, version, every, from, to, writtenAt } = spec;
  const keys = plan.keys.map(({ name }) => flinkName(keyColumn(name)));
  const merged = mergeValues(
    FLINK,
    plan,
    features,
    ({ windowMs }, { hopMs }) =>
      `\`hop_ms\` = ${hopMs} AND \`tile_start\` >= period_end - ${long(windowMs as number)}`,
  );
  const hops = reaches(spec);
  const widest = Math.max(...hops.map(([, reachMs]) => reachMs));
  const reach = `CASE ${hops.map(([hopMs, reachMs]) => `WHEN \`hop_ms\` = ${hopMs} THEN ${long(reachMs)}`).join(' ')} END`;
  const columns = [
    ...keys,
    '`period_start`',
    '`period_end`',
    ...features.map(({ name }) => flinkName(name)),
  ];
  const selected = [
    ...plan.keys.map(({ name, type }) => columnValue(flinkName(keyColumn(name)), type)),
    `TO_TIMESTAMP_LTZ(period_end - ${long(PERIOD_MS[every])}, 3)`,
    'TO_TIMESTAMP_LTZ(period_end, 3)',
    ...features.map(({ type }, i) => columnValue(merged.values[i] as string, type)),
  ];
  return `INSERT OVERWRITE ${rollupTable({ view: plan.view, version, every })} (${columns.join(', ')}, \`version\`, \`generation\`, \`written_at\`)
SELECT ${selected.join(',\n  ')},
  ${version}, ${generation}, TO_TIMESTAMP_LTZ(${long(writtenAt)}, 3)
FROM (
  SELECT ${keys.join(', ')}, period_end,
    ${merged.aggregates.join(',\n    ')}
  FROM ${PAIMON_CATALOG}.${DATABASE}.${flinkName(paimonTable(plan.view, generation))},
    LATERAL TABLE(MR_PERIODS(\`tile_start\`, ${reach}, ${long(PERIOD_MS[every])}, ${long(from)}, ${long(to)}))
  WHERE \`hop_ms\` IN (${hops.map(([hopMs]) => hopMs).join(', ')}) AND \`tile_start\` >= ${long(from - widest)} AND \`tile_start\` < ${long(to)}
  GROUP BY ${keys.join(', ')}, period_end${
    plan.ttlMs === null
      ? ''
      : `\n  HAVING MAX(\`newest_event_time\`) >= period_end - ${long(plan.ttlMs)}`
  }
)`;
};

/** Removes rows of the range that were written before `writtenAt`. */
export const forgetSql = (
  root: string,
  table: string,
  { from, to }: { readonly from: number; readonly to: number },
  writtenAt: number,
): string => `SELECT MR_FORGET_PERIODS(${flinkText(`file://${root}`)}, name, ${long(from)}, ${long(to)}, ${long(writtenAt)})
FROM (VALUES (${flinkText(table)})) AS t(name)`;
