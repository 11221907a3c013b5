/**
 * The names of rollups' tables: one for each version of a view and each length of its periods, such
 * as `rollup.route_delays_v2_day`. So the columns of a table never change their meaning, and rows
 * of days and of hours are never added up together.
 */

/** How long a view's periods can be, ms. They begin at whole UTC days and hours. */
export const PERIOD_MS = { day: 86_400_000, hour: 3_600_000 } as const;
export type RollupPeriod = keyof typeof PERIOD_MS;
export const ROLLUP_PERIODS = Object.keys(PERIOD_MS) as readonly RollupPeriod[];

export interface RollupName {
  readonly view: string;
  readonly version: number;
  readonly every: RollupPeriod;
}

/** Without the namespace: `route_delays_v2_day`. */
export const rollupName = ({ view, version, every }: RollupName): string =>
  `${view}_v${version}_${every}`;

/** As the table is named among those of topics. It is the table of no topic. */
export const rollupTopic = (of: RollupName): string => `rollup.${rollupName(of)}`;

const NAME = new RegExp(`^(.+)_v([1-9]\\d*)_(${ROLLUP_PERIODS.join('|')})$`);

/** null: no table of a rollup has such a name */
export const parseRollupName = (name: string): RollupName | null => {
  const [, view, version, every] = NAME.exec(name) ?? [];
  return view === undefined
    ? null
    : { view, version: Number(version), every: every as RollupPeriod };
};

/** null: the table is none of a rollup */
export const parseRollupTopic = (topic: string): RollupName | null =>
  topic.startsWith('rollup.') ? parseRollupName(topic.slice('rollup.'.length)) : null;
