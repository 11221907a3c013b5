/** Time functions, all in UTC. A date counts as its midnight. */
import type { FunctionRow, Implementation, SqlArgument } from './function-row.ts';
import { anyNull, is, of, show } from './types.ts';

const DAY = 86_400_000;
const FIXED: Readonly<Record<string, number>> = {
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: DAY,
};
const UNITS = [...Object.keys(FIXED), 'week', 'month', 'year'];

/** Epoch ms of a timestamp or a date. */
const flinkMs = ({ sql, type }: SqlArgument): string =>
  type.base === 'date' ? `(${sql} * CAST(${DAY} AS BIGINT))` : sql;

/** Monday 1 to Sunday 7; 1970-01-01 was a Thursday. */
const dayOfWeek = (ms: number): number => ((((Math.floor(ms / DAY) + 3) % 7) + 7) % 7) + 1;

const part = (
  name: string,
  flink: string,
  js: (ms: number) => number,
  dates = true,
): FunctionRow => ({
  name,
  arity: [1, 1],
  nulls: 'strict',
  type: (args) =>
    args.every((a) => is(a.type, 'timestamp') || (dates && is(a.type, 'date')))
      ? of('int', anyNull(args))
      : `needs a timestamp${dates ? ' or date' : ''}, got ${show(args)} (cast it first)`,
  js: ([arg]) =>
    (arg?.type.base === 'date' ? (days: number) => js(days * DAY) : js) as Implementation,
  flink: ([time]) => `${flink}(${flinkMs(time as SqlArgument)})`,
});

const truncateTo = (unit: string): ((ms: number) => number) => {
  const size = FIXED[unit];
  if (size !== undefined) return (ms) => Math.floor(ms / size) * size;
  if (unit === 'week') return (ms) => (Math.floor(ms / DAY) - (dayOfWeek(ms) - 1)) * DAY;
  return (ms) => {
    const date = new Date(ms);
    const start = new Date(0);
    start.setUTCFullYear(date.getUTCFullYear(), unit === 'month' ? date.getUTCMonth() : 0, 1);
    return start.getTime();
  };
};

export const TIME: readonly FunctionRow[] = [
  part('hour', 'MR_HOUR', (ms) => Math.floor((((ms % DAY) + DAY) % DAY) / 3_600_000), false),
  part(
    'minute',
    'MR_MINUTE',
    (ms) => Math.floor((((ms % 3_600_000) + 3_600_000) % 3_600_000) / 60_000),
    false,
  ),
  part('dayOfWeek', 'MR_DAY_OF_WEEK', dayOfWeek),
  part('dayOfMonth', 'MR_DAY_OF_MONTH', (ms) => new Date(ms).getUTCDate()),
  part('month', 'MR_MONTH', (ms) => new Date(ms).getUTCMonth() + 1),
  part('year', 'MR_YEAR', (ms) => new Date(ms).getUTCFullYear()),
  {
    name: 'truncate',
    arity: [2, 2],
    nulls: 'strict',
    literals: [1],
    type: ([time, unit]) => {
      if (!time || !is(time.type, 'timestamp'))
        return `needs a timestamp, got ${time ? show([time]) : 'nothing'}`;
      return UNITS.includes(unit?.literal as string)
        ? time.type
        : `needs a unit of ${UNITS.join(', ')}, got ${JSON.stringify(unit?.literal)}`;
    },
    js: ([, unit]) => {
      const truncate = truncateTo(unit?.literal as string);
      return ((ms: number) => truncate(ms)) as Implementation;
    },
    flink: ([time, unit]) => `MR_TRUNCATE(${time?.sql}, ${unit?.sql})`,
  },
];
