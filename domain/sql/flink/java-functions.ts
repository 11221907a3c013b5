/**
 * The functions of the Java module, by their names in printed SQL: here those whose class has
 * another name.
 */
const OTHERS: Readonly<Record<string, string>> = {
  MR_MAINTAIN: 'iceberg.Maintain',
  MR_FORGET_PERIODS: 'iceberg.ForgetPeriods',
  MR_LATEST: 'flink.Latest',
  MR_SUM: 'flink.ExactSum',
  MR_MOMENTS: 'flink.Moments',
  MR_FIRST: 'flink.FirstK',
  MR_LAST: 'flink.LastK',
  MR_COUNTS: 'flink.ValueCounts',
  MR_MIN_TEXT: 'flink.TextMin',
  MR_MAX_TEXT: 'flink.TextMax',
  MR_MERGE_MOMENTS: 'flink.MergedMoments',
  MR_MERGE_FIRST: 'flink.MergedFirst',
  MR_MERGE_LAST: 'flink.MergedLast',
  MR_MERGE_COUNTS: 'flink.MergedCounts',
  MR_ENTRY_VALUES: 'flink.EntryValues',
  MR_TOP_K: 'flink.TopK',
  MR_SAMPLE_TOP_K: 'flink.SampleTopK',
  MR_HLL: 'flink.HyperLogLog',
  MR_MERGE_HLL: 'flink.MergedHyperLogLog',
  MR_DD_VALUE: 'flink.DdValue',
  MR_PERIODS: 'flink.Periods',
  MR_JOIN: 'flink.Join',
  MR_JOIN_KEY: 'flink.JoinKey',
};

/** The class of a scalar function has its name (MR_TO_INT is ToInt), except for this one. */
const SCALARS: Readonly<Record<string, string>> = { MR_MS: 'LogTime' };

const camel = (name: string): string =>
  name
    .slice('MR_'.length)
    .toLowerCase()
    .replace(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

const classOf = (name: string): string => {
  const found = OTHERS[name];
  return found === undefined
    ? `io.millrace.flink.functions.${SCALARS[name] ?? camel(name)}`
    : `io.millrace.${found}`;
};

/** CREATE FUNCTION statements for the functions that `statements` use. */
export const functionsSql = (statements: readonly string[]): readonly string[] => {
  const used = new Set(statements.flatMap((sql) => sql.match(/\bMR_[A-Z0-9_]+(?=\()/g) ?? []));
  return [...used]
    .sort()
    .map((name) => `CREATE TEMPORARY SYSTEM FUNCTION ${name} AS '${classOf(name)}'`);
};
