/**
 * Prints docker-compose.yml from the tables that the stack runner uses, so that both have the same
 * versions, ports and settings. After a change of the tables, run `node
 * scripts/generate/compose-file.ts`; a test compares the file with the output.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DEFAULT_BASE_PORT, PORT_OFFSETS } from '#infra/stack/addresses.ts';
import { FLINK_SETTINGS, KAFKA_SETTINGS, redisArguments } from '#infra/stack/settings.ts';
import { HEAP_MB, VERSIONS } from '#infra/stack/versions.ts';

const port = (server: keyof typeof PORT_OFFSETS): number =>
  DEFAULT_BASE_PORT + PORT_OFFSETS[server];
/** Published on this machine only, because the servers have no real passwords. */
const published = (server: keyof typeof PORT_OFFSETS): string =>
  `'127.0.0.1:${port(server)}:${port(server)}'`;
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const lines = (indent: number, entries: readonly string[]): string =>
  entries.map((entry) => `${' '.repeat(indent)}${entry}`).join('\n');

const kafkaEnvironment = (): readonly string[] =>
  Object.entries({
    ...KAFKA_SETTINGS,
    // The container shares the host's network. Without an address the broker would accept
    // connections from other machines.
    listeners: `PLAINTEXT://127.0.0.1:${port('kafka')},CONTROLLER://127.0.0.1:${port('kafkaController')}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port('kafka')}`,
    'controller.quorum.voters': `1@127.0.0.1:${port('kafkaController')}`,
    'log.dirs': '/var/lib/kafka/data',
  }).map(([key, value]) => `KAFKA_${key.replaceAll('.', '_').toUpperCase()}: ${quoted(value)}`);

const flinkProperties = (): readonly string[] => [
  'FLINK_PROPERTIES: |',
  ...Object.entries({
    ...FLINK_SETTINGS,
    'jobmanager.rpc.address': '127.0.0.1',
    'jobmanager.rpc.port': String(port('flinkRpc')),
    'jobmanager.bind-host': '127.0.0.1',
    'taskmanager.bind-host': '127.0.0.1',
    'taskmanager.host': '127.0.0.1',
    'rest.address': '127.0.0.1',
    'rest.bind-address': '127.0.0.1',
    'rest.port': String(port('flinkRest')),
    'sql-gateway.endpoint.rest.address': '127.0.0.1',
    'sql-gateway.endpoint.rest.bind-address': '127.0.0.1',
    'sql-gateway.endpoint.rest.port': String(port('sqlGateway')),
    'execution.checkpointing.dir': 'file:///stack/flink/checkpoints',
    'execution.checkpointing.savepoint-dir': 'file:///stack/flink/savepoints',
  }).map(([key, value]) => `  ${key}: ${value}`),
];

const check = (test: string): readonly string[] => [
  'healthcheck:',
  `  test: ['CMD-SHELL', ${quoted(test)}]`,
  '  interval: 5s',
  '  timeout: 5s',
  '  retries: 30',
];

/**
 * The containers share the host's network: the servers use 127.0.0.1 for each other and for the
 * gateways, as they do without Docker.
 */
const service = (name: string, image: string, body: readonly string[]): string =>
  `  ${name}:\n${lines(4, [`image: ${image}`, 'network_mode: host', 'profiles: [stack]', 'restart: unless-stopped', ...body])}`;

const flinkImage = `flink:${VERSIONS.flink}-java17`;
/**
 * The image has only Flink. `millrace stack up` downloads the connectors, Paimon, Iceberg and
 * Hadoop's client, and builds Millrace's module.
 */
const jars = [
  '# Copy the jars of the connectors and of the Java module into ./.millrace-stack/libraries, from',
  '# .tools/stack and java/target.',
  'volumes:',
  '  - ./.millrace-stack:/stack',
];

export const composeFile =
  (): string => `# The embedded profile in one service and, with \`--profile stack\`, the servers of the stack
# profile. scripts/generate/compose-file.ts prints this file: change that one, not this one.
# The servers listen on this machine's loopback, without authentication. Flink's image needs the
# connectors' jars in its lib folder, in addition to its own. The lookup server runs from the clone.
services:
  millrace:
    image: node:24
    init: true
    working_dir: /app
    command: ['node', 'scripts/millrace.mjs', 'serve', '--host', '0.0.0.0', '--data', '/data']
    # The server is reachable from outside the container, so it requires keys. This is the first
    # key; \`openssl rand -hex 32\` makes one.
    environment: { MILLRACE_ADMIN_KEY: '\${MILLRACE_ADMIN_KEY:-}' }
    ports: ['127.0.0.1:7411:7411']
    volumes:
      - .:/app
      # The dependencies of the container's platform are separate from those of the clone.
      - modules:/app/node_modules
      - tools:/app/.tools
      - data:/data
    healthcheck:
      test: ['CMD', 'node', '-e', "fetch('http://127.0.0.1:7411/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
      interval: 5s
      timeout: 3s
      start_period: 180s
    stop_grace_period: 30s
    restart: unless-stopped

${service('kafka', `apache/kafka:${VERSIONS.kafka}`, [
  'environment:',
  ...kafkaEnvironment().map((entry) => `  ${entry}`),
  `  KAFKA_HEAP_OPTS: -Xmx${HEAP_MB.kafka}m`,
  'volumes: [kafka:/var/lib/kafka/data]',
  ...check(
    `/opt/kafka/bin/kafka-broker-api-versions.sh --bootstrap-server 127.0.0.1:${port('kafka')}`,
  ),
])}

${service('registry', `apicurio/apicurio-registry:${VERSIONS.apicurio}`, [
  'environment:',
  `  QUARKUS_HTTP_HOST: '127.0.0.1'`,
  `  QUARKUS_HTTP_PORT: ${quoted(String(port('registry')))}`,
  '  APICURIO_STORAGE_SQL_KIND: h2',
  '  APICURIO_DATASOURCE_URL: jdbc:h2:file:/registry/registry',
  'volumes: [registry:/registry]',
  ...check(`curl -fs http://127.0.0.1:${port('registry')}/apis/ccompat/v7/subjects`),
])}

${service('mariadb', `mariadb:${VERSIONS.mariadb}`, [
  `command: ['--port=${port('mariadb')}', '--bind-address=127.0.0.1', '--transaction-isolation=READ-COMMITTED', '--innodb-flush-log-at-trx-commit=1', '--character-set-server=utf8mb4', '--collation-server=utf8mb4_bin']`,
  'environment: { MARIADB_RANDOM_ROOT_PASSWORD: "1", MARIADB_DATABASE: millrace, MARIADB_USER: millrace, MARIADB_PASSWORD: millrace }',
  'volumes: [mariadb:/var/lib/mysql]',
  ...check('healthcheck.sh --connect --innodb_initialized'),
])}

${service('redis', `redis:${VERSIONS.redis}`, [
  `command: [${['redis-server', ...redisArguments(DEFAULT_BASE_PORT)].map(quoted).join(', ')}]`,
  ...check(`redis-cli -p ${port('redis')} ping`),
])}

${service('jobmanager', flinkImage, ['command: jobmanager', 'environment:', ...flinkProperties().map((entry) => `  ${entry}`), ...jars, ...check(`curl -fs http://127.0.0.1:${port('flinkRest')}/overview`)])}

${service('taskmanager', flinkImage, ['command: taskmanager', 'depends_on: { jobmanager: { condition: service_healthy } }', 'environment:', ...flinkProperties().map((entry) => `  ${entry}`), ...jars])}

${service('sql-gateway', flinkImage, [
  "command: ['/opt/flink/bin/sql-gateway.sh', 'start-foreground']",
  'depends_on: { jobmanager: { condition: service_healthy } }',
  'environment:',
  ...flinkProperties().map((entry) => `  ${entry}`),
  ...jars,
  ...check(`curl -fs http://127.0.0.1:${port('sqlGateway')}/v1/info`),
])}

# The ports to publish if network_mode is removed:
#   - ${(['kafka', 'registry', 'mariadb', 'redis', 'flinkRest', 'sqlGateway'] as const).map(published).join('\n#   - ')}
volumes:
  modules:
  tools:
  data:
  kafka:
  registry:
  mariadb:
`;

const target = fileURLToPath(new URL('../../docker-compose.yml', import.meta.url));
if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(target, composeFile());
