/** The Java module's functions, by the names that the printed SQL calls them by: those on partials' states, and the scalar ones. */
const OF_STATES: Readonly<Record<string, string>> = {
  MR_SUM: 'ExactSum',
  MR_MOMENTS: 'Moments',
  MR_FIRST: 'FirstK',
  MR_LAST: 'LastK',
  MR_COUNTS: 'ValueCounts',
  MR_MIN_TEXT: 'TextMin',
  MR_MAX_TEXT: 'TextMax',
  MR_MERGE_MOMENTS: 'MergedMoments',
  MR_MERGE_FIRST: 'MergedFirst',
  MR_MERGE_LAST: 'MergedLast',
  MR_MERGE_COUNTS: 'MergedCounts',
  MR_ENTRY_VALUES: 'EntryValues',
  MR_TOP_K: 'TopK',
  MR_PERIODS: 'Periods',
};

/** A scalar function's class has its name, MR_TO_INT is ToInt; but for this one. */
const SCALARS: Readonly<Record<string, string>> = { MR_MS: 'LogTime' };

const camel = (name: string): string =>
  name
    .slice('MR_'.length)
    .toLowerCase()
    .replace(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

const classOf = (name: string): string => {
  const found = OF_STATES[name];
  return found === undefined ? `io.millrace.flink.functions.${SCALARS[name] ?? camel(name)}` : `io.millrace.flink.${found}`;
};

/** The statements that make known the functions that these statements use. */
export const functionsSql = (statements: readonly string[]): readonly string[] => {
  const used = new Set(statements.flatMap((sql) => sql.match(/\bMR_[A-Z0-9_]+(?=\()/g) ?? []));
  return [...used].sort().map((name) => `CREATE TEMPORARY SYSTEM FUNCTION ${name} AS '${classOf(name)}'`);
};
