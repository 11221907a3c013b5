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

/** A scalar function's class has its name, MR_TO_INT is ToInt; but for this one. */
const SCALARS: Readonly<Record<string, string>> = { MR_MS: 'LogTime' };

const camel = (name: string): string =>
  name
    .slice('MR_'.length)
    .toLowerCase()
    .replace(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

const classOf = (name: string): string => {
  const aggregate = AGGREGATES[name];
  return aggregate === undefined
    ? `io.millrace.flink.functions.${SCALARS[name] ?? camel(name)}`
    : `io.millrace.flink.${aggregate}`;
};

/** The statements that make known the functions that these statements use. */
export const functionsSql = (statements: readonly string[]): readonly string[] => {
  const used = new Set(statements.flatMap((sql) => sql.match(/\bMR_[A-Z0-9_]+(?=\()/g) ?? []));
  return [...used].sort().map((name) => `CREATE TEMPORARY SYSTEM FUNCTION ${name} AS '${classOf(name)}'`);
};
