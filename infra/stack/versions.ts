/**
 * The servers of the stack, with their versions and origins. The runner, docker-compose.yml and the
 * docs all use this table.
 */
export type ServerName =
  | 'kafka'
  | 'registry'
  | 'mariadb'
  | 'redis'
  | 'jobmanager'
  | 'taskmanager'
  | 'sql-gateway'
  | 'lookup';

export const SERVERS: readonly ServerName[] = [
  'kafka',
  'registry',
  'mariadb',
  'redis',
  'jobmanager',
  'taskmanager',
  'sql-gateway',
  'lookup',
];

export const VERSIONS = {
  kafka: '4.4.0',
  apicurio: '3.0.9',
  flink: '2.1.1',
  'flink-connector-kafka': '4.0.1-2.0',
  'flink-avro-confluent': '2.1.0',
  paimon: '1.3.0',
  iceberg: '1.11.0',
  hadoop: '3.4.1',
  log4j: '2.24.3',
  mariadb: '10.11',
  redis: '7.0',
} as const;

export interface Artifact {
  readonly group: string;
  readonly artifact: string;
  readonly version: string;
  /** without the dependencies in its POM */
  readonly alone?: boolean;
}

const flink = (artifact: string): Artifact => ({
  group: 'org.apache.flink',
  artifact,
  version: VERSIONS.flink,
});
const LOG4J: readonly Artifact[] = [
  { group: 'org.apache.logging.log4j', artifact: 'log4j-core', version: VERSIONS.log4j },
  { group: 'org.apache.logging.log4j', artifact: 'log4j-api', version: VERSIONS.log4j },
];

/** Class paths by name, from Maven Central. */
export const CLASSPATHS = {
  kafka: [
    { group: 'org.apache.kafka', artifact: 'kafka_2.13', version: VERSIONS.kafka },
    ...LOG4J,
    { group: 'org.apache.logging.log4j', artifact: 'log4j-slf4j-impl', version: VERSIONS.log4j },
  ],
  flink: [
    ...[
      'flink-clients',
      'flink-runtime-web',
      'flink-streaming-java',
      'flink-table-api-java-bridge',
      'flink-table-planner-loader',
      'flink-table-runtime',
      'flink-sql-gateway',
      'flink-connector-files',
      'flink-json',
      'flink-statebackend-rocksdb',
    ].map(flink),
    {
      group: 'org.apache.flink',
      artifact: 'flink-sql-connector-kafka',
      version: VERSIONS['flink-connector-kafka'],
    },
    {
      group: 'org.apache.flink',
      artifact: 'flink-sql-avro-confluent-registry',
      version: VERSIONS['flink-avro-confluent'],
    },
    {
      group: 'org.apache.paimon',
      artifact: 'paimon-flink-2.1',
      version: VERSIONS.paimon,
      alone: true,
    },
    {
      group: 'org.apache.iceberg',
      artifact: 'iceberg-flink-runtime-2.1',
      version: VERSIONS.iceberg,
    },
    { group: 'org.apache.hadoop', artifact: 'hadoop-client-api', version: VERSIONS.hadoop },
    { group: 'org.apache.hadoop', artifact: 'hadoop-client-runtime', version: VERSIONS.hadoop },
    { group: 'org.apache.logging.log4j', artifact: 'log4j-slf4j-impl', version: VERSIONS.log4j },
    ...LOG4J,
  ],
} as const satisfies Readonly<Record<string, readonly Artifact[]>>;

/** The registry comes as an archive with its own class path in its manifest. */
export const REGISTRY_ARCHIVE = `io.apicurio:apicurio-registry-app:${VERSIONS.apicurio}:tar.gz:all`;

/** Debian's packages, by the command that each must contain. */
export const PACKAGES: Readonly<Record<string, string>> = {
  mariadbd: 'mariadb-server',
  'redis-server': 'redis-server',
};

/** Memory of the Java servers, MiB of heap. */
export const HEAP_MB = {
  kafka: 512,
  registry: 256,
  jobmanager: 512,
  taskmanager: 1400,
  'sql-gateway': 512,
  lookup: 512,
} as const;
/**
 * Redis's memory limit, MiB; when it is reached, Redis refuses writes (settings.ts explains why).
 */
export const REDIS_MB = 1024;
export const TASK_SLOTS = 24;
