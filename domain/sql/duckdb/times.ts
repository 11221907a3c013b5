/**
 * Times as whole numbers. A time is rounded down to the millisecond, before and after 1970, in
 * every unit; it never passes through a floating-point number, which has too few digits for
 * microseconds.
 */

/** Of a BIGINT; `//` rounds towards zero. Overflows for no value. */
const floorDivide = (sql: string, by: number): string =>
  `((${sql}) // ${by} - CAST((${sql}) % ${by} < 0 AS BIGINT))`;

/** Epoch ms of a timestamp column of any unit, as BIGINT; null for an infinite timestamp. */
export const epochMs = (sql: string, type: string): string =>
  type === 'TIMESTAMP_NS'
    ? floorDivide(`epoch_ns(${sql})`, 1_000_000)
    : floorDivide(`epoch_us(${sql})`, 1_000);

/** Whether a timestamp is a midnight in UTC. */
export const isMidnight = (sql: string, type: string): string =>
  type === 'TIMESTAMP_NS'
    ? `epoch_ns(${sql}) % 86400000000000 = 0`
    : `epoch_us(${sql}) % 86400000000 = 0`;

/** Days since 1970-01-01 of a date column, as BIGINT. */
export const epochDays = (sql: string): string => `(${sql} - DATE '1970-01-01')`;

/** The first day of a timestamp that is a midnight, as days since 1970-01-01. */
export const midnightDays = (sql: string, type: string): string =>
  `(${epochMs(sql, type)} // 86400000)`;

/** A timestamp with a zone from epoch ms, which is exact for all years. */
export const timestampOfMs = (ms: number): string => `make_timestamptz(${BigInt(ms) * 1000n})`;

/** A date from days since 1970-01-01. */
export const dateOfDays = (days: number): string => `(DATE '1970-01-01' + ${days})`;

/**
 * A timestamp as ISO text, with a zone if `zoned`. DuckDB's own text has another form before the
 * year 1, and its strftime is wrong for nanoseconds.
 */
export const timeText = (sql: string, type: string, zoned: boolean): string => {
  const format = (zone: string): string => `'%Y-%m-%d %H:%M:%S.%f${zone}'`;
  if (type === 'TIMESTAMP WITH TIME ZONE') {
    // The calendar of a timestamp with a zone is that of ICU, which is ten times slower.
    const utc = `make_timestamp(epoch_us(${sql}))`;
    return `(CASE WHEN NOT isfinite(${sql}) THEN CAST(${sql} AS VARCHAR) WHEN ${utc} < TIMESTAMP '0001-01-01' THEN strftime(${utc}, ${format('+00')}) ELSE CAST(${utc} AS VARCHAR) || '+00' END)`;
  }
  const zone = zoned ? 'Z' : '';
  const naive = `CAST(${sql} AS TIMESTAMP)`;
  const own = `CAST(${sql} AS VARCHAR)${zone === '' ? '' : ` || '${zone}'`}`;
  return `(CASE WHEN year(${naive}) < 1 THEN strftime(${naive}, ${format(zone)}) ELSE ${own} END)`;
};

/** A date as ISO text. */
export const dateText = (sql: string): string =>
  `(CASE WHEN year(${sql}) < 1 THEN strftime(${sql}, '%Y-%m-%d') ELSE CAST(${sql} AS VARCHAR) END)`;
