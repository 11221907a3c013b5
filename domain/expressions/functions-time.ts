/** Time functions, all in UTC. A date counts as its midnight. */
import { suggestion } from '#domain/values/did-you-mean.ts';
import type { FunctionName, FunctionRow, Implementation } from './function-row.ts';
import { anyNull, castHint, is, of, show } from './types.ts';

const DAY = 86_400_000;
const FIXED: Readonly<Record<string, number>> = {
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: DAY,
};
export const UNITS = [...Object.keys(FIXED), 'week', 'month', 'year'];

/** Monday 1 to Sunday 7; 1970-01-01 was a Thursday. */
const dayOfWeek = (ms: number): number => ((((Math.floor(ms / DAY) + 3) % 7) + 7) % 7) + 1;

const part = (name: FunctionName, js: (ms: number) => number, dates = true): FunctionRow => ({
  name,
  arity: [1, 1],
  nulls: 'strict',
  type: (args) =>
    args.every((a) => is(a.type, 'timestamp') || (dates && is(a.type, 'date')))
      ? of('int', anyNull(args))
      : `needs a timestamp${dates ? ' or date' : ''}, got ${show(args)}${castHint(args, 'timestamp')}`,
  js: ([arg]) =>
    (arg?.type.base === 'date' ? (days: number) => js(days * DAY) : js) as Implementation,
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
  part('hour', (ms) => Math.floor((((ms % DAY) + DAY) % DAY) / 3_600_000), false),
  part('minute', (ms) => Math.floor((((ms % 3_600_000) + 3_600_000) % 3_600_000) / 60_000), false),
  part('dayOfWeek', dayOfWeek),
  part('dayOfMonth', (ms) => new Date(ms).getUTCDate()),
  part('month', (ms) => new Date(ms).getUTCMonth() + 1),
  part('year', (ms) => new Date(ms).getUTCFullYear()),
  {
    name: 'truncate',
    arity: [2, 2],
    nulls: 'strict',
    literals: [1],
    type: ([time, unit]) => {
      if (!time || !is(time.type, 'timestamp'))
        return `needs a timestamp, got ${time ? `${show([time])}${castHint([time], 'timestamp')}` : 'nothing'}`;
      return UNITS.includes(unit?.literal as string)
        ? time.type
        : `${JSON.stringify(unit?.literal)} is not a unit of time: the units are ${UNITS.join(', ')}${suggestion(String(unit?.literal), UNITS)}`;
    },
    js: ([, unit]) => {
      const truncate = truncateTo(unit?.literal as string);
      return ((ms: number) => truncate(ms)) as Implementation;
    },
  },
];
