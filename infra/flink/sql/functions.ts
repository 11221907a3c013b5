/** The Java module's functions, by the names that the printed SQL calls them by. */
const AGGREGATES: Readonly<Record<string, string>> = {
  MR_SUM: 'ExactSum',
  MR_MOMENTS: 'Moments',
  MR_FIRST: 'FirstK',
  MR_LAST: 'LastK',
  MR_COUNTS: 'ValueCounts',
  MR_MIN_TEXT: 'TextMin',
  MR_MAX_TEXT: 'TextMax',
};

const SCALARS: Readonly<Record<string, string>> = {
  MR_MS: 'LogTime',
  MR_KEEP: 'Keep',
};

const CLASSES: ReadonlyMap<string, string> = new Map([
  ...Object.entries(AGGREGATES).map(([name, type]) => [name, `io.millrace.flink.${type}`] as const),
  ...Object.entries(SCALARS).map(([name, type]) => [name, `io.millrace.flink.functions.${type}`] as const),
]);

/** The statements that make known the functions that these statements use. */
export const functionsSql = (statements: readonly string[]): readonly string[] => {
  const used = new Set(statements.flatMap((sql) => sql.match(/\bMR_[A-Z_]+(?=\()/g) ?? []));
  return [...used]
    .sort()
    .map((name) => `CREATE TEMPORARY SYSTEM FUNCTION ${name} AS '${CLASSES.get(name) ?? `unknown.${name}`}'`);
};
