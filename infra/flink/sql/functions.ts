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
  MR_COMPARE: 'Compare',
  MR_CONTAINS: 'Contains',
  MR_DAY_OF_MONTH: 'DayOfMonth',
  MR_DAY_OF_WEEK: 'DayOfWeek',
  MR_ENDS_WITH: 'EndsWith',
  MR_FINITE: 'Finite',
  MR_FORMAT_DATE: 'FormatDate',
  MR_FORMAT_TIME: 'FormatTime',
  MR_HOUR: 'Hour',
  MR_KEEP: 'Keep',
  MR_MINUTE: 'Minute',
  MR_MOD: 'Mod',
  MR_MONTH: 'Month',
  MR_MS: 'LogTime',
  MR_NUMBER_TEXT: 'NumberText',
  MR_PARSE_DATE: 'ParseDate',
  MR_PARSE_NUMBER: 'ParseNumber',
  MR_PARSE_TIME: 'ParseTime',
  MR_REPLACE: 'Replace',
  MR_ROUND: 'Round',
  MR_STARTS_WITH: 'StartsWith',
  MR_SUBSTRING: 'Substring',
  MR_TO_DATE: 'ToDate',
  MR_TO_FLOAT: 'ToFloat',
  MR_TO_INT: 'ToInt',
  MR_TO_LONG: 'ToLong',
  MR_TO_TIME: 'ToTime',
  MR_TRUNCATE: 'Truncate',
  MR_WHOLE: 'Whole',
  MR_YEAR: 'Year',
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
