/**
 * Times, in UTC by arithmetic: parts of a time that an engine's own function gives depend on the
 * zone of the session, on its range of years, and on the calendar before 1582.
 *
 * The calendar is that of H. Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in
 * March, so that the day of February 29 is the last of its year, and an era has 400 of them.
 */
import type { FunctionName } from '#domain/expressions/function-row.ts';
import type { PrintContext, SqlArgument, SqlFunction } from '../dialect.ts';
import { toDouble } from './numbers.ts';
import { doubleLiteral, type Syntax } from './syntax.ts';

type Make = (syntax: Syntax) => SqlFunction;
type Bind = PrintContext['bind'];

const DAY = 86_400_000;
const HOUR = 3_600_000;
const MINUTE = 60_000;
/** Monday, 1969-12-29 is day −3. */
const TO_MONDAY = 3;

/** ⌊sql / by⌋, as a double */
const floored = (sql: string, by: number): string => `FLOOR(${sql} / ${doubleLiteral(by)})`;

const asLong = ({ types }: Syntax, sql: string): string => `CAST(${sql} AS ${types.long})`;
const asInt = ({ types }: Syntax, sql: string): string => `CAST(${sql} AS ${types.int})`;

/** The ms of a time, a date counting as its midnight, as a double. */
const msOf = (syntax: Syntax, bind: Bind, arg: SqlArgument): string =>
  bind(
    arg.type.base === 'date'
      ? `(${toDouble(syntax, arg)} * ${doubleLiteral(DAY)})`
      : toDouble(syntax, arg),
  );

/** Whole days as a double: some engines give a long. */
export const daysOf = (syntax: Syntax, bind: Bind, ms: string): string =>
  bind(`CAST(${floored(ms, DAY)} AS ${syntax.types.double})`);

export interface Civil {
  readonly year: string;
  readonly month: string;
  readonly day: string;
}

/** @param days since 1970-01-01, a bound double; the parts are bound, too, as doubles */
export const civilOf = (syntax: Syntax, bind: Bind, days: string): Civil => {
  const double = (sql: string): string => bind(`CAST(${sql} AS ${syntax.types.double})`);
  const era = double(`FLOOR((${days} + 719468E0) / 146097E0)`);
  const dayOfEra = double(`${days} + 719468E0 - 146097E0 * ${era}`);
  const yearOfEra = double(
    `FLOOR((${dayOfEra} - FLOOR(${dayOfEra} / 1460E0) + FLOOR(${dayOfEra} / 36524E0) - FLOOR(${dayOfEra} / 146096E0)) / 365E0)`,
  );
  const dayOfYear = double(
    `${dayOfEra} - 365E0 * ${yearOfEra} - FLOOR(${yearOfEra} / 4E0) + FLOOR(${yearOfEra} / 100E0)`,
  );
  const fromMarch = double(`FLOOR((5E0 * ${dayOfYear} + 2E0) / 153E0)`);
  return {
    day: double(`${dayOfYear} - FLOOR((153E0 * ${fromMarch} + 2E0) / 5E0) + 1E0`),
    month: double(`${fromMarch} + CASE WHEN ${fromMarch} < 10E0 THEN 3E0 ELSE -9E0 END`),
    year: double(
      `${yearOfEra} + 400E0 * ${era} + CASE WHEN ${fromMarch} < 10E0 THEN 0E0 ELSE 1E0 END`,
    ),
  };
};

const civilPart =
  (part: keyof Civil): Make =>
  (syntax) =>
  (args, _, { bind }) => {
    const ms = msOf(syntax, bind, args[0] as SqlArgument);
    return asInt(syntax, civilOf(syntax, bind, daysOf(syntax, bind, ms))[part]);
  };

/** The whole `size` since the last whole `of`. */
const clockPart =
  (size: number, of: number): Make =>
  (syntax) =>
  (args, _, { bind }) => {
    const ms = msOf(syntax, bind, args[0] as SqlArgument);
    return asInt(syntax, `${floored(ms, size)} - ${doubleLiteral(of / size)} * ${floored(ms, of)}`);
  };

/** Days since a Monday. */
const sinceMonday = (days: string): string =>
  `(${days} + ${TO_MONDAY}E0 - 7E0 * FLOOR((${days} + ${TO_MONDAY}E0) / 7E0))`;

/** The first day of a year. */
const yearStart = (year: string): string => {
  const past = `(${year} - 1E0)`;
  return `365E0 * ${past} + ${floored(past, 4)} - ${floored(past, 100)} + ${floored(past, 400)} - 719162E0`;
};

const FIXED: Readonly<Record<string, number>> = {
  second: 1_000,
  minute: MINUTE,
  hour: HOUR,
  day: DAY,
};

const truncate: Make =
  (syntax) =>
  (args, _, { bind }) => {
    const [time, unit] = args as readonly [SqlArgument, SqlArgument];
    const ms = msOf(syntax, bind, time);
    const size = FIXED[unit.literal as string];
    if (size !== undefined) return asLong(syntax, `${floored(ms, size)} * ${doubleLiteral(size)}`);
    const days = daysOf(syntax, bind, ms);
    const inMs = (start: string): string => asLong(syntax, `(${start}) * ${doubleLiteral(DAY)}`);
    if (unit.literal === 'week') return inMs(`${days} - ${sinceMonday(days)}`);
    const { year, day } = civilOf(syntax, bind, days);
    return inMs(unit.literal === 'month' ? `${days} - ${day} + 1E0` : yearStart(year));
  };

export const TIMES = {
  hour: clockPart(HOUR, DAY),
  minute: clockPart(MINUTE, HOUR),
  dayOfWeek:
    (syntax) =>
    (args, _, { bind }) => {
      const days = daysOf(syntax, bind, msOf(syntax, bind, args[0] as SqlArgument));
      return asInt(syntax, `${sinceMonday(days)} + 1E0`);
    },
  dayOfMonth: civilPart('day'),
  month: civilPart('month'),
  year: civilPart('year'),
  truncate,
} as const satisfies Partial<Record<FunctionName, Make>>;

const two = (syntax: Syntax, sql: string): string => padded(syntax, sql, 2);
const padded = (syntax: Syntax, sql: string, width: number): string =>
  `${syntax.leftPad}(CAST(${asInt(syntax, sql)} AS ${syntax.types.string}), ${width}, '0')`;

/** YYYY-MM-DD; @param days bound, in the years 0000 to 9999 */
export const dateText = (syntax: Syntax, bind: Bind, days: string): readonly string[] => {
  const { year, month, day } = civilOf(syntax, bind, days);
  return [padded(syntax, year, 4), "'-'", two(syntax, month), "'-'", two(syntax, day)];
};

/** YYYY-MM-DDTHH:MM:SS.mmmZ; @param ms bound, a double in the years 0000 to 9999 */
export const timeText = (syntax: Syntax, bind: Bind, ms: string): readonly string[] => {
  const part = (size: number, of: number): string =>
    `${floored(ms, size)} - ${doubleLiteral(of / size)} * ${floored(ms, of)}`;
  return [
    ...dateText(syntax, bind, daysOf(syntax, bind, ms)),
    "'T'",
    two(syntax, part(HOUR, DAY)),
    "':'",
    two(syntax, part(MINUTE, HOUR)),
    "':'",
    two(syntax, part(1_000, MINUTE)),
    "'.'",
    padded(syntax, `${ms} - 1000E0 * ${floored(ms, 1_000)}`, 3),
    "'Z'",
  ];
};
