/**
 * What an engine needs to have Millrace's tables: a file of properties, or statements, each with a
 * place for the key and never the key itself.
 */
import { fail } from '#domain/errors.ts';
import type { RemoteEngine } from '../tables/engine-names.ts';
import { enginesFor, TABLE_SYNTAXES } from '../tables/table-syntaxes.ts';

export interface SetupRequest {
  /** of the Iceberg catalog: http://host:7411/iceberg */
  readonly uri: string;
  /** the name that the engine gives to the catalog */
  readonly catalog: string;
  /** whether the platform requires keys */
  readonly withKey: boolean;
  /** the URI of Paimon's warehouse, for a second catalog; null: none */
  readonly paimon: string | null;
}

export interface EngineSetup {
  /** where the engine reads it */
  readonly file: string;
  readonly text: string;
}

/** The engine reads the key from its environment, or a person writes it there. */
const IN_ENVIRONMENT = `\${ENV:MILLRACE_API_KEY}`;
const PLACEHOLDER = '<MILLRACE_API_KEY>';
/** The only warehouse of the catalog. */
const WAREHOUSE = 'millrace';
const ICEBERG = '1.11.0';
const PAIMON = '1.3.0';

type Properties = readonly (readonly [name: string, value: string])[];

const keyed = (withKey: boolean, ...properties: Properties): Properties =>
  withKey ? properties : [];

const lines = (properties: Properties, between = '='): string =>
  properties.map(([name, value]) => `${name}${between}${value}`).join('\n');

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;

const listed = (properties: Properties): string =>
  properties.map(([name, value]) => `  ${text(name)} = ${text(value)}`).join(',\n');

const backticks = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

const PARTIAL = '-- Partial states of views by key, which only Millrace can combine into values.';

const prestoFile = (catalog: string): string => `etc/catalog/${catalog}.properties`;

const TRINO = ({ uri, catalog, withKey }: SetupRequest): EngineSetup => ({
  file: prestoFile(catalog),
  text: lines([
    ['connector.name', 'iceberg'],
    ['iceberg.catalog.type', 'rest'],
    ['iceberg.rest-catalog.uri', uri],
    ['iceberg.rest-catalog.warehouse', WAREHOUSE],
    ...keyed(
      withKey,
      ['iceberg.rest-catalog.security', 'OAUTH2'],
      ['iceberg.rest-catalog.oauth2.token', IN_ENVIRONMENT],
    ),
    ['iceberg.security', 'READ_ONLY'],
    ['fs.hadoop.enabled', 'true'],
  ]),
});

const PRESTO = ({ uri, catalog, withKey }: SetupRequest): EngineSetup => ({
  file: prestoFile(catalog),
  text: lines([
    ['connector.name', 'iceberg'],
    ['iceberg.catalog.type', 'REST'],
    ['iceberg.rest.uri', uri],
    ['iceberg.catalog.warehouse', WAREHOUSE],
    ...keyed(
      withKey,
      ['iceberg.rest.auth.type', 'OAUTH2'],
      ['iceberg.rest.auth.oauth2.token', PLACEHOLDER],
    ),
  ]),
});

const CLICKHOUSE = ({ uri, catalog, withKey }: SetupRequest): EngineSetup => {
  const settings = [
    `catalog_type = 'rest'`,
    `warehouse = ${text(WAREHOUSE)}`,
    'vended_credentials = false',
    ...(withKey ? [`auth_header = 'Authorization: Bearer ${PLACEHOLDER}'`] : []),
  ];
  return {
    file: 'millrace.sql',
    text: `SET allow_experimental_database_iceberg = 1;
CREATE DATABASE ${backticks(catalog)} ENGINE = DataLakeCatalog(${text(`${uri}/v1`)})
SETTINGS ${settings.join(', ')};`,
  };
};

const SPARK = ({ uri, catalog, withKey, paimon }: SetupRequest): EngineSetup => {
  const of = `spark.sql.catalog.${catalog}`;
  const packages = [
    `org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:${ICEBERG}`,
    ...(paimon === null ? [] : [`org.apache.paimon:paimon-spark-3.5:${PAIMON}`]),
  ];
  return {
    file: 'conf/spark-defaults.conf',
    text: lines(
      [
        ['spark.jars.packages', packages.join(',')],
        [of, 'org.apache.iceberg.spark.SparkCatalog'],
        [`${of}.type`, 'rest'],
        [`${of}.uri`, uri],
        [`${of}.warehouse`, WAREHOUSE],
        ...keyed(withKey, [`${of}.token`, PLACEHOLDER]),
        // Its Iceberg keeps the name of a column for itself.
        [`${of}.header.x-millrace-names`, 'spark'],
        [`${of}.cache-enabled`, 'false'],
        ...(paimon === null
          ? []
          : ([
              [`${of}_paimon`, 'org.apache.paimon.spark.SparkCatalog'],
              [`${of}_paimon.warehouse`, paimon],
            ] as const)),
      ],
      ' ',
    ),
  };
};

const external = (statement: string, catalog: string, properties: Properties): string =>
  `${statement} ${backticks(catalog)} PROPERTIES (\n${listed(properties)}\n);`;

const STARROCKS = ({ uri, catalog, withKey, paimon }: SetupRequest): EngineSetup => {
  const iceberg = external('CREATE EXTERNAL CATALOG', catalog, [
    ['type', 'iceberg'],
    ['iceberg.catalog.type', 'rest'],
    ['iceberg.catalog.uri', uri],
    ['iceberg.catalog.warehouse', WAREHOUSE],
    ...keyed(
      withKey,
      ['iceberg.catalog.security', 'oauth2'],
      ['iceberg.catalog.oauth2.token', PLACEHOLDER],
    ),
    ['iceberg.catalog.vended-credentials-enabled', 'false'],
    ['enable_iceberg_metadata_cache', 'false'],
  ]);
  const second =
    paimon === null
      ? ''
      : `\n\n${PARTIAL}\n${external('CREATE EXTERNAL CATALOG', `${catalog}_paimon`, [
          ['type', 'paimon'],
          ['paimon.catalog.type', 'filesystem'],
          ['paimon.catalog.warehouse', paimon],
        ])}`;
  return { file: 'millrace.sql', text: `${iceberg}${second}` };
};

const DORIS = ({ uri, catalog, withKey, paimon }: SetupRequest): EngineSetup => {
  const iceberg = external('CREATE CATALOG', catalog, [
    ['type', 'iceberg'],
    ['iceberg.catalog.type', 'rest'],
    ['iceberg.rest.uri', uri],
    ['warehouse', WAREHOUSE],
    ...keyed(
      withKey,
      ['iceberg.rest.security.type', 'oauth2'],
      ['iceberg.rest.oauth2.token', PLACEHOLDER],
    ),
    ['meta.cache.iceberg.table.ttl-second', '0'],
  ]);
  const second =
    paimon === null
      ? ''
      : `\n\n${PARTIAL}\n${external('CREATE CATALOG', `${catalog}_paimon`, [
          ['type', 'paimon'],
          ['paimon.catalog.type', 'filesystem'],
          ['warehouse', paimon],
        ])}`;
  return { file: 'millrace.sql', text: `${iceberg}${second}` };
};

const FLINK = ({ uri, catalog, withKey, paimon }: SetupRequest): EngineSetup => {
  const create = (name: string, properties: Properties): string =>
    `CREATE CATALOG ${backticks(name)} WITH (\n${listed(properties)}\n);`;
  const iceberg = create(catalog, [
    ['type', 'iceberg'],
    ['catalog-type', 'rest'],
    ['uri', uri],
    ['warehouse', WAREHOUSE],
    ...keyed(withKey, ['token', PLACEHOLDER]),
    ['cache-enabled', 'false'],
  ]);
  const second =
    paimon === null
      ? ''
      : `\n\n${PARTIAL}\n${create(`${catalog}_paimon`, [
          ['type', 'paimon'],
          ['warehouse', paimon],
        ])}`;
  return { file: 'millrace.sql', text: `${iceberg}${second}` };
};

const SETUPS: Readonly<Record<RemoteEngine, (request: SetupRequest) => EngineSetup>> = {
  trino: TRINO,
  presto: PRESTO,
  clickhouse: CLICKHOUSE,
  spark: SPARK,
  starrocks: STARROCKS,
  doris: DORIS,
  flink: FLINK,
};

const CATALOG = /^[a-z][a-z0-9_]{0,62}$/;

/** @throws MR_PARAMETER_INVALID; MR_SQL_TABLE_UNREADABLE for Paimon where the engine misreads it */
export const engineSetup = (engine: RemoteEngine, request: SetupRequest): EngineSetup => {
  const { catalog, paimon } = request;
  if (!CATALOG.test(catalog))
    fail(
      'MR_PARAMETER_INVALID',
      `the name of a catalog has lower-case letters, digits and _, and begins with a letter: ${JSON.stringify(catalog)} does not fit`,
      { parameter: 'catalog' },
    );
  const { title, reads } = TABLE_SYNTAXES[engine];
  const format = 'paimon-primary-key';
  if (paimon !== null && !reads.includes(format))
    fail(
      'MR_SQL_TABLE_UNREADABLE',
      `${title} does not read Paimon tables with primary keys right: use ${enginesFor(format).join(', ')}`,
      { engine, format, engines: enginesFor(format) },
    );
  return SETUPS[engine](request);
};
