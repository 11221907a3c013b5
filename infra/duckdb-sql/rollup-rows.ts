/**
 * The tables of a view, as queries over the rows of its rollups.
 *
 * A history has the values between changes. A row of a rollup is a sample of an entity's values, at
 * the end of a period:
 *
 *   samples   of the two rollups together: an end that both have is taken from that by hours
 *   until     a sample holds until the next end that some rollup has, with or without rows, but no
 *             longer than the longest period that ends at its own end; the newest holds until
 *             further notice (null)
 *   runs      samples of an entity that follow each other without a gap, have the same values and
 *             were written in this order are one row. So at a time when only the first ones were
 *             written, the row says what they said: that the value holds until further notice
 *
 * A sample that was replaced is a row of its own: until `replaced_at`, it was what was known. What
 * replaced it begins a row, because it was known only from then on.
 */
import type { RolledUp, SqlFiles, SqlRollup } from '#domain/ports/sql-engine.ts';
import { identifier } from '#domain/sql/duckdb/names.ts';

const HOLDS = 'replaced_at IS NULL';
const instant = (ms: number): string => `make_timestamptz(${BigInt(ms) * 1000n}::BIGINT)`;

/** The ends of periods, as rows of (period_end, _shorter, _length); each period has a length. */
const endsOf = (periods: readonly RolledUp[]): string =>
  periods
    .map(({ from, to, everyMs, shorter }) => {
      const [first, over, step] = [from + everyMs, to + everyMs, everyMs].map((ms) => ms * 1000);
      return ` UNION ALL SELECT make_timestamptz(_end), ${shorter}, ${step} FROM range(${first}, ${over}, ${step}) _ends(_end)`;
    })
    .join('');

type History = Extract<SqlRollup, { readonly rows: 'history' }>;

/** Names that begin with `_` are of no feature and of no key. */
const historyRows = (
  stored: string,
  { keys, features, names, longer, periods, newest }: History,
  rowsOf: (files: SqlFiles) => string,
): string => {
  const [k, v] = [keys.map(identifier), features.map(identifier)];
  const own = ['period_start', 'period_end', 'written_at', 'replaced_at'];
  const columns = [...k, ...v, ...own].join(', ');
  const byKey = `PARTITION BY ${k.join(', ')} ORDER BY period_end`;
  const shorter = `SELECT ${columns} FROM (${stored})`;
  const others =
    longer === null
      ? ''
      : ` UNION ALL SELECT *, false FROM (SELECT ${columns} FROM (${rowsOf(longer)}))`;
  const follows = [
    'lag(_until) OVER k = period_end',
    'lag(written_at) OVER k <= written_at',
    'NOT _again',
    ...v.map((name) => `lag(${name}) OVER k IS NOT DISTINCT FROM ${name}`),
  ].join(' AND ');
  const isNewest = newest === null ? 'true' : `period_end = ${instant(newest)}`;
  const row = (validTo: string, of: (name: string) => string): string =>
    [
      ...k,
      ...v.map((name) => `${of(name)} AS ${name}`),
      `${of('period_end')} AS ${identifier(names.validFrom)}`,
      `${validTo} AS ${identifier(names.validTo)}`,
      `${of('written_at')} AS ${identifier(names.knownFrom)}`,
      `${of('replaced_at')} AS ${identifier(names.knownTo)}`,
    ].join(', ');
  return `WITH stored AS (SELECT *, true AS _shorter FROM (${shorter})${others}),
ends AS (SELECT period_end, bool_or(_shorter) AS _shorter, max(_length) AS _length FROM (SELECT period_end, _shorter, epoch_us(period_end) - epoch_us(period_start) AS _length FROM stored${endsOf(periods)}) GROUP BY period_end),
steps AS (SELECT *, make_timestamptz(epoch_us(period_end) + _length) AS _over, lead(period_end) OVER (ORDER BY period_end) AS _next FROM ends),
untils AS (SELECT period_end, _shorter, CASE WHEN _next IS NULL AND ${isNewest} THEN NULL ELSE least(_over, _next) END AS _until FROM steps),
held AS (SELECT ${columns}, _until, bool_or(NOT (${HOLDS})) OVER (PARTITION BY ${k.join(', ')}, period_end) AS _again FROM stored JOIN untils USING (period_end, _shorter)),
marked AS (SELECT *, NOT coalesce(${follows}, false) AS _starts FROM held WHERE ${HOLDS} WINDOW k AS (${byKey})),
runs AS (SELECT *, sum(_starts::INTEGER) OVER (${byKey}) AS _run FROM marked)
SELECT ${row('last(_until ORDER BY period_end)', (name) => `first(${name} ORDER BY period_end)`)} FROM runs GROUP BY ${k.join(', ')}, _run
UNION ALL SELECT ${row('_until', (name) => name)} FROM held WHERE NOT (${HOLDS})`;
};

/** The rows at a time: without those that were written later, or replaced by then. */
const rowsAt = (stored: string, known: number): string =>
  `SELECT * REPLACE (CASE WHEN replaced_at <= ${instant(known)} THEN replaced_at END AS replaced_at) FROM (${stored}) WHERE written_at <= ${instant(known)}`;

/** @param all the rows that are stored */
export const rollupRows = (
  all: string,
  rollup: SqlRollup,
  rowsOf: (files: SqlFiles) => string,
): string => {
  const stored = rowsAt(all, rollup.known);
  if (rollup.rows === 'history')
    return historyRows(stored, rollup, (files) => rowsAt(rowsOf(files), rollup.known));
  const holding = `SELECT * EXCLUDE (replaced_at) FROM (${stored}) WHERE ${HOLDS}`;
  if (rollup.rows === 'daily') return holding;
  const { end } = rollup;
  const newest = end === null ? `(SELECT max(period_end) FROM (${stored}))` : instant(end);
  return `${holding} AND period_end = ${newest}`;
};
