/**
 * Whether two columns have different values, whatever their types are: no value is rounded so that
 * it would be equal to another one. NaN is equal to NaN, and null to null.
 */
import { type ColumnKind, columnKind } from './column-kind.ts';

interface Typed {
  readonly sql: string;
  /** DuckDB's */
  readonly type: string;
}

const ZONED = 'TIMESTAMP WITH TIME ZONE';
const NANOS = 'TIMESTAMP_NS';

const text = ({ sql }: Typed): string => `CAST(${sql} AS VARCHAR)`;
const distinct = (a: string, b: string): string => `(${a} IS DISTINCT FROM ${b})`;

/** A double that is whole has one whole number; a whole number can be between two doubles. */
const wholeAndReal = (whole: Typed, real: Typed): string => {
  const back = `TRY_CAST(CASE WHEN ${real.sql} = trunc(${real.sql}) THEN ${real.sql} END AS HUGEINT)`;
  const oneIsNull = distinct(`(${whole.sql} IS NULL)`, `(${real.sql} IS NULL)`);
  return `(${oneIsNull} OR ${distinct(`CAST(${back} AS VARCHAR)`, text(whole))} AND ${real.sql} IS NOT NULL)`;
};

/** Without the zeros at the end of a fraction. */
const digits = (typed: Typed): string =>
  `(CASE WHEN contains(${text(typed)}, '.') THEN rtrim(rtrim(${text(typed)}, '0'), '.') ELSE ${text(typed)} END)`;

const instant = ({ sql, type }: Typed): string =>
  type === ZONED ? sql : `timezone('UTC', CAST(${sql} AS TIMESTAMP))`;

const EXACT: ReadonlySet<ColumnKind> = new Set(['whole', 'decimal']);

export const isDistinct = (a: Typed, b: Typed): string => {
  if (a.type === b.type) return distinct(a.sql, b.sql);
  const [kind, other] = [columnKind(a.type), columnKind(b.type)];
  if (kind === 'whole' && other === 'real') return wholeAndReal(a, b);
  if (kind === 'real' && other === 'whole') return wholeAndReal(b, a);
  // Every float is a double.
  if (kind === 'real' && other === 'real') return distinct(a.sql, b.sql);
  if (EXACT.has(kind) && EXACT.has(other)) return distinct(digits(a), digits(b));
  if (kind === 'time' && other === 'time' && a.type !== NANOS && b.type !== NANOS)
    return distinct(instant(a), instant(b));
  return distinct(text(a), text(b));
};
