/** The engines, each as data and small functions. */
import type { EventsTable, PickAtEnd, Syntax } from './syntax.ts';

const call =
  (name: string) =>
  (...args: readonly (string | undefined)[]): string =>
    `${name}(${args.filter((arg) => arg !== undefined).join(', ')})`;

const piped = (parts: readonly string[]): string => `(${parts.join(' || ')})`;

/** The tables of the Iceberg catalog. */
const inCatalog =
  (quote: string): Syntax['events'] =>
  (source): EventsTable => ({
    table: `${quote}raw${quote}.${quote}${source}${quote}`,
    partition: `${quote}_partition${quote}`,
    offset: `${quote}_offset${quote}`,
  });

/** A row that orders events, and null where there is no value: such an event is not the last. */
const byRow =
  (first: string, last: string, row: string): PickAtEnd =>
  (end, value, order) =>
    `${end === 'first' ? first : last}(${value}, CASE WHEN ${value} IS NOT NULL THEN ${row}(${order.join(', ')}) END)`;

type Common = Omit<Syntax, 'name' | 'title'>;

const ANSI: Common = {
  quote: '"',
  escapes: false,
  types: {
    string: 'VARCHAR',
    int: 'INTEGER',
    long: 'BIGINT',
    float: 'REAL',
    double: 'DOUBLE',
    boolean: 'BOOLEAN',
    bytes: 'VARBINARY',
    decimal: 'DECIMAL(38, 0)',
  },
  length: call('LENGTH'),
  substring: call('SUBSTR'),
  concat: piped,
  position: call('STRPOS'),
  trim: (text) => `TRIM(BOTH ' ' FROM ${text})`,
  lower: 'LOWER',
  upper: 'UPPER',
  replace: 'REPLACE',
  leftPad: 'LPAD',
  matches: call('REGEXP_LIKE'),
  parseDouble: (text) => `TRY_CAST(${text} AS DOUBLE)`,
  fromTimestamp: (column) => `CAST(TO_UNIXTIME(${column}) * 1E3 AS BIGINT)`,
  fromDate: (column) => `CAST(DATE_DIFF('day', DATE '1970-01-01', ${column}) AS BIGINT)`,
  now: 'CAST(TO_UNIXTIME(CURRENT_TIMESTAMP) * 1E3 AS BIGINT)',
  array: (items) => `ARRAY[${items.join(', ')}]`,
  pick: byRow('MIN_BY', 'MAX_BY', 'ROW'),
  exactRemainder: true,
  variance: 'VAR_SAMP',
  stddev: 'STDDEV_SAMP',
  nullableArrays: true,
  namesHide: false,
  events: inCatalog('"'),
  notes: [],
};

const TRINO: Syntax = { ...ANSI, name: 'trino', title: 'Trino' };

const PRESTO: Syntax = {
  ...ANSI,
  name: 'presto',
  title: 'Presto',
  // Its TRIM removes any white space, and takes no characters.
  trim: (text) => `REGEXP_EXTRACT(${text}, '(?s)^ *(.*?) *\\z', 1)`,
};

/** In the tables of `millrace sql`, a field keeps its name. @param fields in lower case */
const ownColumn = (name: string, fields: ReadonlySet<string>): string => {
  let free = name;
  for (let n = 2; fields.has(free); n++) free = `${name}_${n}`;
  return `"${free}"`;
};

const DUCKDB: Syntax = {
  ...ANSI,
  name: 'duckdb',
  title: 'DuckDB',
  types: { ...ANSI.types, bytes: 'BLOB' },
  matches: call('REGEXP_MATCHES'),
  fromTimestamp: call('EPOCH_MS'),
  fromDate: (column) => `CAST(${column} - DATE '1970-01-01' AS BIGINT)`,
  now: 'EPOCH_MS(NOW())',
  array: (items) => `[${items.join(', ')}]`,
  pick: byRow('ARG_MIN', 'ARG_MAX', 'ROW'),
  events: (source, fields) => ({
    table: `"raw_${source}"`,
    partition: ownColumn('log_partition', fields),
    offset: ownColumn('log_offset', fields),
  }),
};

const SPARK: Syntax = {
  ...ANSI,
  name: 'spark',
  title: 'Spark',
  quote: '`',
  escapes: true,
  types: { ...ANSI.types, string: 'STRING', int: 'INT', float: 'FLOAT', bytes: 'BINARY' },
  length: call('CHAR_LENGTH'),
  position: call('INSTR'),
  matches: (text, pattern) => `(${text} RLIKE ${pattern})`,
  fromTimestamp: call('UNIX_MILLIS'),
  fromDate: (column) => `CAST(DATEDIFF(${column}, DATE '1970-01-01') AS BIGINT)`,
  now: 'UNIX_MILLIS(CURRENT_TIMESTAMP())',
  array: (items) => `ARRAY(${items.join(', ')})`,
  pick: byRow('MIN_BY', 'MAX_BY', 'STRUCT'),
  // Under the names that the catalog has for Spark.
  events: (source, fields) => ({
    ...inCatalog('`')(source, fields),
    partition: '`__log_partition`',
  }),
};

const nullable = (type: string): string => `Nullable(${type})`;

const CLICKHOUSE: Syntax = {
  ...ANSI,
  name: 'clickhouse',
  title: 'ClickHouse',
  quote: '`',
  escapes: true,
  types: {
    string: nullable('String'),
    int: nullable('Int32'),
    long: nullable('Int64'),
    float: nullable('Float32'),
    double: nullable('Float64'),
    boolean: nullable('Bool'),
    bytes: nullable('String'),
    decimal: nullable('Decimal(38, 0)'),
  },
  length: call('lengthUTF8'),
  substring: call('substringUTF8'),
  position: call('position'),
  lower: 'lowerUTF8',
  upper: 'upperUTF8',
  replace: 'replaceAll',
  leftPad: 'leftPad',
  matches: call('match'),
  parseDouble: call('toFloat64OrNull'),
  fromTimestamp: call('toUnixTimestamp64Milli'),
  fromDate: call('toInt64'),
  now: 'toUnixTimestamp64Milli(now64(3))',
  array: { notSupported: 'an array cannot be null there' },
  pick: (end, value, order) =>
    `${end === 'first' ? 'argMinIf' : 'argMaxIf'}(${value}, tuple(${order.join(', ')}), ${value} IS NOT NULL)`,
  exactRemainder: false,
  variance: 'varSampStable',
  stddev: 'stddevSampStable',
  nullableArrays: false,
  namesHide: true,
  events: inCatalog('`'),
};

/** Of MySQL's family: `||` is a logical OR there, and a cast of a bad text is null. */
const MYSQL: Common = {
  ...ANSI,
  quote: '`',
  escapes: true,
  types: { ...ANSI.types, string: 'STRING', int: 'INT', float: 'FLOAT', bytes: 'STRING' },
  length: call('CHAR_LENGTH'),
  concat: (parts) => call('CONCAT')(...parts),
  position: call('INSTR'),
  trim: call('TRIM'),
  matches: (text, pattern) => `(${text} REGEXP ${pattern})`,
  parseDouble: (text) => `CAST(${text} AS DOUBLE)`,
  fromTimestamp: (column) =>
    `MILLISECONDS_DIFF(${column}, CAST('1970-01-01 00:00:00' AS DATETIME))`,
  fromDate: (column) => `CAST(DATEDIFF(${column}, '1970-01-01') AS BIGINT)`,
  now: '(CAST(UNIX_TIMESTAMP() AS BIGINT) * 1000)',
  array: (items) => `[${items.join(', ')}]`,
  pick: { notSupported: 'no aggregate there picks a value by the order of several columns' },
  events: inCatalog('`'),
  notes: [
    "It needs a session in UTC: SET time_zone = 'UTC'. LOWER and UPPER may change ASCII letters only.",
  ],
};

const STARROCKS: Syntax = { ...MYSQL, name: 'starrocks', title: 'StarRocks' };
const DORIS: Syntax = { ...MYSQL, name: 'doris', title: 'Doris' };

export const SYNTAXES: readonly Syntax[] = [
  DUCKDB,
  TRINO,
  PRESTO,
  CLICKHOUSE,
  SPARK,
  STARROCKS,
  DORIS,
];
