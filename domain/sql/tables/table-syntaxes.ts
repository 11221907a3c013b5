/** The engines on servers of their own, each as data and small functions. */
import type { StoredTable } from '#domain/ports/sql-engine.ts';
import type { Lexis } from '../statements/tokens.ts';
import type { RemoteEngine } from './engine-names.ts';
import { RESERVED_IN_SPARK } from './reserved-names.ts';
import type { TableSyntax } from './table-syntax.ts';

const MICROS = 1_000_000;

const namesWith = (quote: '"' | '`') => (name: string) =>
  `${quote}${name.replaceAll(quote, quote + quote)}${quote}`;
const double = namesWith('"');
const backtick = namesWith('`');

/** 2026-01-01 00:00:00.000, in UTC. */
const utc = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').replace('Z', '');

type Types = Readonly<Record<string, string>>;

const LIST = /^list<(.*)>$/;

const nullsOf =
  (types: Types, listOf: (element: string) => string) =>
  (type: string): string => {
    const element = LIST.exec(type)?.[1];
    const named = (scalar: string): string => types[scalar] ?? (types.string as string);
    return `CAST(NULL AS ${element === undefined ? named(type) : listOf(named(element))})`;
  };

const inCatalog =
  (quoted: (name: string) => string, version: (snapshot: bigint) => string) =>
  (catalog: string, { namespace, name, snapshot }: StoredTable) => ({
    table: `${[catalog, namespace, name].map(quoted).join('.')}${version(snapshot)}`,
    after: '',
  });

const ANSI_TYPES: Types = {
  string: 'VARCHAR',
  int: 'INTEGER',
  long: 'BIGINT',
  float: 'REAL',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  binary: 'VARBINARY',
  timestamptz: 'TIMESTAMP WITH TIME ZONE',
  date: 'DATE',
};

const ANSI: Lexis = { doubleQuotes: 'name', backticks: false, backslashes: false, quote: '"' };

const TRINO: TableSyntax = {
  name: 'trino',
  title: 'Trino',
  lexis: ANSI,
  reads: ['iceberg'],
  quoted: double,
  long: 'BIGINT',
  nulls: nullsOf(
    { ...ANSI_TYPES, timestamptz: 'TIMESTAMP(6) WITH TIME ZONE' },
    (element) => `ARRAY(${element})`,
  ),
  instant: (ms) => `TIMESTAMP '${utc(ms)} UTC'`,
  micros: (time) => `CAST(ROUND(TO_UNIXTIME(${time})) * ${MICROS} AS BIGINT)`,
  fromMicros: (micros) =>
    `CAST(FROM_UNIXTIME(CAST(${micros} AS DOUBLE) / ${MICROS}, 'UTC') AS TIMESTAMP(6) WITH TIME ZONE)`,
  from: inCatalog(double, (snapshot) => ` FOR VERSION AS OF ${snapshot}`),
};

const PRESTO: TableSyntax = {
  ...TRINO,
  name: 'presto',
  title: 'Presto',
  nulls: nullsOf(ANSI_TYPES, (element) => `ARRAY(${element})`),
  fromMicros: (micros) => `FROM_UNIXTIME(CAST(${micros} AS DOUBLE) / ${MICROS}, 'UTC')`,
};

const CLICKHOUSE_TYPES: Types = {
  string: 'String',
  int: 'Int32',
  long: 'Int64',
  float: 'Float32',
  double: 'Float64',
  boolean: 'Bool',
  binary: 'String',
  timestamptz: "DateTime64(6, 'UTC')",
  date: 'Date32',
};

const CLICKHOUSE: TableSyntax = {
  name: 'clickhouse',
  title: 'ClickHouse',
  lexis: { doubleQuotes: 'name', backticks: true, backslashes: true, quote: '`' },
  // It does not merge the rows of Paimon's primary keys, and ignores deletion vectors there.
  reads: ['iceberg'],
  quoted: backtick,
  long: 'Nullable(Int64)',
  nulls(type) {
    const element = LIST.exec(type)?.[1];
    const named = (scalar: string): string =>
      `Nullable(${CLICKHOUSE_TYPES[scalar] ?? CLICKHOUSE_TYPES.string})`;
    // An array cannot be null there.
    return element === undefined
      ? `CAST(NULL AS ${named(type)})`
      : `CAST([] AS Array(${named(element)}))`;
  },
  instant: (ms) => `fromUnixTimestamp64Milli(toInt64(${ms}), 'UTC')`,
  micros: (time) => `toUnixTimestamp64Micro(${time})`,
  fromMicros: (micros) => `fromUnixTimestamp64Micro(${micros}, 'UTC')`,
  // Its databases have one level: the namespace is a part of the table's name.
  from: (catalog, { namespace, name, snapshot }) => ({
    table: `${backtick(catalog)}.${backtick(`${namespace}.${name}`)}`,
    after: ` SETTINGS iceberg_snapshot_id = ${snapshot}`,
  }),
};

const SPARK: TableSyntax = {
  name: 'spark',
  title: 'Spark',
  lexis: { doubleQuotes: 'text', backticks: true, backslashes: true, quote: '`' },
  reads: ['iceberg', 'paimon-primary-key'],
  quoted: backtick,
  long: 'BIGINT',
  nulls: nullsOf(
    {
      ...ANSI_TYPES,
      string: 'STRING',
      int: 'INT',
      float: 'FLOAT',
      binary: 'BINARY',
      timestamptz: 'TIMESTAMP',
    },
    (element) => `ARRAY<${element}>`,
  ),
  instant: (ms) => `TIMESTAMP_MILLIS(CAST(${ms} AS BIGINT))`,
  inCatalog: (field) => RESERVED_IN_SPARK.get(field) ?? field,
  micros: (time) => `UNIX_MICROS(${time})`,
  fromMicros: (micros) => `TIMESTAMP_MICROS(${micros})`,
  from: inCatalog(backtick, (snapshot) => ` VERSION AS OF ${snapshot}`),
};

const EPOCH = "CAST('1970-01-01 00:00:00' AS DATETIME)";

/** Their sessions are in UTC, so a DATETIME is a time. */
const STARROCKS: TableSyntax = {
  name: 'starrocks',
  title: 'StarRocks',
  lexis: { doubleQuotes: 'text', backticks: true, backslashes: true, quote: '`' },
  reads: ['iceberg', 'paimon-primary-key'],
  quoted: backtick,
  long: 'BIGINT',
  nulls: nullsOf(
    {
      ...ANSI_TYPES,
      int: 'INT',
      float: 'FLOAT',
      timestamptz: 'DATETIME',
    },
    (element) => `ARRAY<${element}>`,
  ),
  instant: (ms) => `CAST('${utc(ms)}' AS DATETIME)`,
  micros: (time) => `(CAST(SECONDS_DIFF(${time}, ${EPOCH}) AS BIGINT) * ${MICROS})`,
  fromMicros: (micros) => `SECONDS_ADD(${EPOCH}, CAST(${micros} / ${MICROS} AS INT))`,
  from: inCatalog(backtick, (snapshot) => ` FOR VERSION AS OF ${snapshot}`),
};

const DORIS: TableSyntax = {
  ...STARROCKS,
  name: 'doris',
  title: 'Doris',
  nulls: nullsOf(
    {
      ...ANSI_TYPES,
      string: 'STRING',
      int: 'INT',
      float: 'FLOAT',
      binary: 'STRING',
      timestamptz: 'DATETIME(6)',
    },
    (element) => `ARRAY<${element}>`,
  ),
  instant: (ms) => `CAST('${utc(ms)}' AS DATETIME(6))`,
};

const FLINK: TableSyntax = {
  name: 'flink',
  title: 'Flink',
  lexis: { doubleQuotes: 'name', backticks: true, backslashes: false, quote: '`' },
  reads: ['iceberg', 'paimon-primary-key'],
  quoted: backtick,
  long: 'BIGINT',
  nulls: nullsOf(
    {
      ...ANSI_TYPES,
      string: 'STRING',
      int: 'INT',
      float: 'FLOAT',
      binary: 'BYTES',
      timestamptz: 'TIMESTAMP_LTZ(6)',
    },
    (element) => `ARRAY<${element}>`,
  ),
  instant: (ms) => `TO_TIMESTAMP_LTZ(${ms}, 3)`,
  micros: (time) =>
    `(CAST(TIMESTAMPDIFF(SECOND, TO_TIMESTAMP_LTZ(0, 3), ${time}) AS BIGINT) * ${MICROS})`,
  fromMicros: (micros) => `CAST(TO_TIMESTAMP_LTZ(${micros} / 1000, 3) AS TIMESTAMP_LTZ(6))`,
  from: inCatalog(backtick, (snapshot) => ` /*+ OPTIONS('snapshot-id'='${snapshot}') */`),
};

export const TABLE_SYNTAXES: Readonly<Record<RemoteEngine, TableSyntax>> = {
  trino: TRINO,
  presto: PRESTO,
  clickhouse: CLICKHOUSE,
  spark: SPARK,
  starrocks: STARROCKS,
  doris: DORIS,
  flink: FLINK,
};

/** The engines, by name, that read a format right. */
export const enginesFor = (format: StoredTable['format']): readonly string[] =>
  Object.values(TABLE_SYNTAXES)
    .filter(({ reads }) => reads.includes(format))
    .map(({ name }) => name);
