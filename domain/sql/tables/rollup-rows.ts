/**
 * The tables of a view, as queries over the rows of its rollups, in SQL that all engines have.
 *
 * A history has the values between changes. A row of a rollup is a sample of an entity's values, at
 * the end of a period:
 *
 *   stored    samples of the two rollups together: an end that both have is taken from that by
 *             hours
 *   untils    a sample holds until the next end that some rollup has, with or without rows, but no
 *             longer than the longest period that ends at its own end; the newest holds until
 *             further notice (null)
 *   runs      samples of an entity that follow each other without a gap, have the same values and
 *             were written in this order are one row. So at a time when only the first ones were
 *             written, the row says what they said: that the value holds until further notice
 *
 * A sample that was replaced is a row of its own: until `replaced_at`, it was what was known. What
 * replaced it begins a row, because it was known only from then on.
 *
 * Times are compared as microseconds; only whole seconds of periods are computed with. No name
 * that a query gives is also the name of one of its columns: ClickHouse would confuse the two.
 */
import type { RolledUp, SqlFiles, SqlRollup } from '#domain/ports/sql-engine.ts';

/** What differs between engines. */
export interface RollupSyntax {
  readonly quoted: (name: string) => string;
  /** the type of a nullable whole number of 64 bits */
  readonly long: string;
  /** a time; epoch ms */
  readonly instant: (ms: number) => string;
  /** epoch microseconds of a time */
  readonly micros: (time: string) => string;
  /** a time; null for null; @param micros whole seconds */
  readonly fromMicros: (micros: string) => string;
}

/** Rows that are stored: a query, and the names of its columns. */
export interface StoredRows {
  readonly sql: string;
  readonly columns: readonly string[];
}

type History = Extract<SqlRollup, { readonly rows: 'history' }>;

const DIGITS = Array.from({ length: 10 }, (_, d) => `SELECT ${d} AS _d`).join(' UNION ALL ');

/** The whole numbers from 0 below `count`, as rows of (_n), from the table `digits`. */
const numbersBelow = (count: number): string => {
  const places = Array.from({ length: Math.max(1, String(count - 1).length) }, (_, i) => i);
  const sum = places.map((i) => `d${i}._d * ${10 ** i}`).join(' + ');
  const from = places.map((i) => `digits AS d${i}`).join(' CROSS JOIN ');
  return `SELECT _n FROM (SELECT ${sum} AS _n FROM ${from}) AS p WHERE _n < ${count}`;
};

/** The ends of periods that were rolled up, with rows or without: (_end, _short, _length). */
const endsOf = ({ long }: RollupSyntax, periods: readonly RolledUp[]): string =>
  periods
    .filter(({ from, to, everyMs }) => to - from >= everyMs)
    .map(({ from, to, everyMs, shorter }) => {
      const [first, step] = [(from + everyMs) * 1000, everyMs * 1000];
      const end = `CAST(${first} AS ${long}) + CAST(${step} AS ${long}) * _n`;
      const numbers = numbersBelow(Math.floor((to - from) / everyMs));
      return ` UNION ALL SELECT ${end}, ${shorter ? 1 : 0}, CAST(${step} AS ${long}) FROM (${numbers}) AS q`;
    })
    .join('');

const PERIOD_END = 'period_end';
const WRITTEN = 'written_at';

/** Names that begin with `_` are of no feature and of no key. */
const historyRows = (
  syntax: RollupSyntax,
  all: string,
  { keys, features, names, longer, periods, newest, known }: History,
  rowsOf: (files: SqlFiles) => string,
): string => {
  const { quoted, instant, micros, fromMicros, long } = syntax;
  const values = [...keys, ...features].map(quoted);
  const [end, written] = [quoted(PERIOD_END), quoted(WRITTEN)];
  const columns = [...values, end, written].join(', ');
  const own = (alias: string, list: readonly string[]): string =>
    list.map((name) => `${alias}.${name} AS ${name}`).join(', ');
  const byKey = (alias = ''): string => keys.map((key) => `${alias}${quoted(key)}`).join(', ');
  const replaced = quoted('replaced_at');
  const samples = (rows: string, shorter: 0 | 1): string =>
    `SELECT ${columns}, CASE WHEN ${replaced} <= ${instant(known)} THEN ${replaced} END AS _replaced, ${micros(quoted('period_start'))} AS _begin, ${micros(end)} AS _end, ${shorter} AS _short FROM (${rows}) AS r WHERE ${written} <= ${instant(known)}`;
  const over = `OVER (PARTITION BY ${byKey()} ORDER BY _end)`;
  const same = (name: string): string => {
    const before = `LAG(${name}) ${over}`;
    return `(${before} = ${name} OR (${before} IS NULL AND ${name} IS NULL))`;
  };
  const follows = [
    `LAG(_until) ${over} = _end`,
    `LAG(${written}) ${over} <= ${written}`,
    '_again = 0',
    ...features.map(quoted).map(same),
  ].join(' AND ');
  const isNewest = newest === null ? '1 = 1' : `_end = ${newest * 1000}`;
  const row = (validTo: string): string =>
    [
      ...values,
      `${end} AS ${quoted(names.validFrom)}`,
      `${validTo} AS ${quoted(names.validTo)}`,
      `${written} AS ${quoted(names.knownFrom)}`,
      `_replaced AS ${quoted(names.knownTo)}`,
    ].join(', ');
  const others = longer === null ? '' : ` UNION ALL ${samples(rowsOf(longer), 0)}`;
  return `WITH stored AS (${samples(all, 1)}${others}),
digits AS (${DIGITS}),
spans AS (SELECT _end, _short, _end - _begin AS _length FROM stored${endsOf(syntax, periods)}),
ends AS (SELECT _end, MAX(_short) AS _shortest, MAX(_length) AS _longest FROM spans GROUP BY _end),
steps AS (SELECT _end, _shortest, _end + _longest AS _over, LEAD(CAST(_end AS ${long})) OVER (ORDER BY _end) AS _next FROM ends),
untils AS (SELECT _end, _shortest, CASE WHEN _next IS NULL AND ${isNewest} THEN CAST(NULL AS ${long}) WHEN _next IS NULL OR _over < _next THEN _over ELSE _next END AS _until FROM steps),
held AS (SELECT ${own('s', [...values, end, written, '_replaced', '_end'])}, u._until AS _until, MAX(CASE WHEN s._replaced IS NULL THEN 0 ELSE 1 END) OVER (PARTITION BY ${byKey('s.')}, s._end) AS _again FROM stored AS s JOIN untils AS u ON s._end = u._end AND s._short = u._shortest),
marked AS (SELECT ${columns}, _replaced, _end, _until, CASE WHEN ${follows} THEN 0 ELSE 1 END AS _starts FROM held WHERE _replaced IS NULL),
runs AS (SELECT ${columns}, _replaced, _end, _until, _starts, SUM(_starts) ${over} AS _run FROM marked),
closed AS (SELECT ${columns}, _replaced, _starts, MAX(_until) OVER (PARTITION BY ${byKey()}, _run) AS _last, MIN(CASE WHEN _until IS NULL THEN 0 ELSE 1 END) OVER (PARTITION BY ${byKey()}, _run) AS _ended FROM runs)
SELECT ${row(`CASE WHEN _ended = 1 THEN ${fromMicros('_last')} END`)} FROM closed WHERE _starts = 1
UNION ALL SELECT ${row(fromMicros('_until'))} FROM held WHERE _replaced IS NOT NULL`;
};

/** @param all the rows that are stored */
export const rollupRows = (
  syntax: RollupSyntax,
  all: StoredRows,
  rollup: SqlRollup,
  rowsOf: (files: SqlFiles) => string,
): string => {
  if (rollup.rows === 'history') return historyRows(syntax, all.sql, rollup, rowsOf);
  const { quoted, instant } = syntax;
  const now = instant(rollup.known);
  const [end, replaced] = [quoted(PERIOD_END), quoted('replaced_at')];
  // Without those that were written later, or replaced by then.
  const written = `${quoted(WRITTEN)} <= ${now}`;
  const columns = all.columns.filter((name) => name !== 'replaced_at').map(quoted);
  const holding = `SELECT ${columns.join(', ')} FROM (${all.sql}) AS r WHERE ${written} AND (${replaced} IS NULL OR ${replaced} > ${now})`;
  if (rollup.rows === 'daily') return holding;
  const newest =
    rollup.end === null
      ? `(SELECT MAX(${end}) FROM (${all.sql}) AS n WHERE ${written})`
      : instant(rollup.end);
  return `${holding} AND ${end} = ${newest}`;
};
