/** Each server: how it is prepared, started, and known to be ready. */
import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { dirname, join } from 'node:path';
import { Redis } from 'ioredis';
import mysql from 'mysql2/promise';
import { flinkCluster } from '#infra/flink/cluster.ts';
import { kafkaClient } from '#infra/kafka/admin.ts';
import { LOOPBACK, PORT_OFFSETS, type StackAddresses } from './addresses.ts';
import { buildJavaModule, fetchClasspath, fetchRegistry, findServer, run, type Say } from './fetch.ts';
import type { Launch } from './process.ts';
import { FLINK_OPENS, flinkConfiguration, kafkaProperties, LOG4J, TASK_MANAGER_MEMORY } from './settings.ts';
import { HEAP_MB, type ServerName, VERSIONS } from './versions.ts';

export interface ServerContext {
  readonly directory: string;
  readonly basePort: number;
  readonly addresses: StackAddresses;
  readonly say: Say;
}

export interface Server {
  readonly name: ServerName;
  readonly version: string;
  readonly port: (context: ServerContext) => number;
  /** servers that must be ready before */
  readonly after: readonly ServerName[];
  readonly launch: (context: ServerContext) => Promise<Launch>;
  /** Resolves where the server does what it is for; rejects while it does not yet. */
  readonly ready: (context: ServerContext) => Promise<void>;
  readonly deadlineMs: number;
  /** the signal that it ends by, cleanly and soon */
  readonly stopSignal?: NodeJS.Signals;
}

/** The module's jar, in the stack's own directory: a running JVM must not have its jar replaced by the next build. */
const ownJar = async ({ directory, say }: ServerContext): Promise<string> => {
  const built = await buildJavaModule(say);
  const copy = join(directory, 'lib', `millrace-java-${Math.trunc(statSync(built).mtimeMs)}.jar`);
  if (existsSync(copy)) return copy;
  mkdirSync(dirname(copy), { recursive: true });
  const part = `${copy}.${process.pid}.${randomUUID()}`;
  copyFileSync(built, part);
  renameSync(part, copy);
  return copy;
};

const heap = (name: keyof typeof HEAP_MB): string => `-Xmx${HEAP_MB[name]}m`;
/** Two cores are many servers': few threads for each one's collector, and none to start it slowly. */
const LEAN = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=4', '-Djava.net.preferIPv4Stack=true'];

const httpOk = async (url: string): Promise<unknown> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(3_000) });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return response.json();
};

const file = (folder: string, name: string, text: string): string => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

const log4j = (directory: string): string =>
  `-Dlog4j.configurationFile=file:${file(join(directory, 'conf'), 'log4j2.properties', LOG4J)}`;

const kafka: Server = {
  name: 'kafka',
  version: VERSIONS.kafka,
  port: ({ basePort }) => basePort + PORT_OFFSETS.kafka,
  after: [],
  deadlineMs: 60_000,
  async launch({ directory, basePort, say }) {
    const classpath = await fetchClasspath('kafka', VERSIONS.kafka, say);
    const data = join(directory, 'kafka');
    const properties = file(join(directory, 'conf'), 'kafka.properties', kafkaProperties(basePort, data));
    const java = [log4j(directory), '-cp', classpath];
    if (!existsSync(join(data, 'meta.properties')))
      await run(
        'java',
        [...java, 'kafka.tools.StorageTool', 'format', '-t', 'bWlsbHJhY2VtaWxscmFjZQ', '-c', properties],
        directory,
      );
    return { command: 'java', args: [heap('kafka'), ...LEAN, ...java, 'kafka.Kafka', properties], cwd: directory };
  },
  async ready({ addresses }) {
    const admin = kafkaClient({ brokers: [addresses.kafka], clientId: 'millrace-stack' }).admin();
    try {
      await admin.connect();
      await admin.listTopics();
    } finally {
      await admin.disconnect();
    }
  },
};

const registry: Server = {
  name: 'registry',
  version: VERSIONS.apicurio,
  port: ({ basePort }) => basePort + PORT_OFFSETS.registry,
  after: [],
  deadlineMs: 90_000,
  async launch({ directory, basePort, say }) {
    const jar = await fetchRegistry(say);
    const data = join(directory, 'registry');
    mkdirSync(data, { recursive: true });
    return {
      command: 'java',
      args: [
        heap('registry'),
        ...LEAN,
        `-Dquarkus.http.host=${LOOPBACK}`,
        `-Dquarkus.http.port=${basePort + PORT_OFFSETS.registry}`,
        '-Dapicurio.storage.sql.kind=h2',
        // Kept in a file: schema ids are in every record, and must outlive the registry's process.
        `-Dapicurio.datasource.url=jdbc:h2:file:${join(data, 'registry')}`,
        '-jar',
        jar,
      ],
      cwd: data,
    };
  },
  ready: async ({ addresses }) => void (await httpOk(`${addresses.registry}/subjects`)),
};

const mariadb: Server = {
  name: 'mariadb',
  version: VERSIONS.mariadb,
  port: ({ basePort }) => basePort + PORT_OFFSETS.mariadb,
  after: [],
  deadlineMs: 60_000,
  async launch({ directory, basePort, addresses, say }) {
    const server = await findServer('mariadbd', say);
    const data = join(directory, 'mariadb');
    const { user, password, database } = addresses.mysql;
    if (!existsSync(join(data, 'mysql'))) {
      mkdirSync(data, { recursive: true });
      await run(
        'mariadb-install-db',
        ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db'],
        directory,
      );
    }
    // The server runs its init file a line a statement.
    const statements = [
      `CREATE DATABASE IF NOT EXISTS ${database} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;`,
      ...[LOOPBACK, 'localhost'].flatMap((host) => [
        `CREATE USER IF NOT EXISTS '${user}'@'${host}' IDENTIFIED BY '${password}';`,
        `GRANT ALL ON *.* TO '${user}'@'${host}';`,
      ]),
    ];
    const init = file(join(directory, 'conf'), 'mariadb.sql', `${statements.join('\n')}\n`);
    return {
      command: server,
      args: [
        '--no-defaults',
        `--datadir=${data}`,
        `--port=${basePort + PORT_OFFSETS.mariadb}`,
        `--bind-address=${LOOPBACK}`,
        `--socket=${join(directory, 'run', 'mariadb.sock')}`,
        '--transaction-isolation=READ-COMMITTED',
        '--innodb-flush-log-at-trx-commit=1',
        '--character-set-server=utf8mb4',
        '--collation-server=utf8mb4_bin',
        `--init-file=${init}`,
        ...(process.getuid?.() === 0 ? ['--user=root'] : []),
      ],
      cwd: directory,
    };
  },
  async ready({ addresses }) {
    const connection = await mysql.createConnection({ ...addresses.mysql, connectTimeout: 2_000 });
    await connection.query('SELECT 1');
    await connection.end();
  },
};

const redis: Server = {
  name: 'redis',
  version: VERSIONS.redis,
  port: ({ basePort }) => basePort + PORT_OFFSETS.redis,
  after: [],
  deadlineMs: 30_000,
  async launch({ directory, basePort, say }) {
    const server = await findServer('redis-server', say);
    return {
      command: server,
      // A cache: what it forgets is read again from the log.
      args: [
        '--port',
        String(basePort + PORT_OFFSETS.redis),
        '--bind',
        LOOPBACK,
        '--save',
        '',
        '--appendonly',
        'no',
        '--maxmemory-policy',
        'noeviction',
      ],
      cwd: directory,
    };
  },
  async ready({ addresses }) {
    const client = new Redis({ ...addresses.redis, lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.ping();
    } finally {
      client.disconnect();
    }
  },
};

const flinkLaunch =
  (name: 'jobmanager' | 'taskmanager' | 'sql-gateway', main: string, args: (conf: string) => readonly string[]) =>
  async (context: ServerContext): Promise<Launch> => {
    const { directory, basePort, say } = context;
    const [classpath, jar] = [await fetchClasspath('flink', VERSIONS.flink, say), await ownJar(context)];
    const home = join(directory, 'flink');
    for (const folder of ['checkpoints', 'savepoints', 'tmp']) mkdirSync(join(home, folder), { recursive: true });
    file(join(home, 'conf'), 'config.yaml', flinkConfiguration(basePort, home));
    const conf = join(home, 'conf');
    return {
      command: 'java',
      args: [heap(name), ...LEAN, ...FLINK_OPENS, log4j(directory), '-cp', `${jar}:${classpath}`, main, ...args(conf)],
      cwd: home,
      env: { FLINK_CONF_DIR: conf },
    };
  };

const jobmanager: Server = {
  name: 'jobmanager',
  version: VERSIONS.flink,
  port: ({ basePort }) => basePort + PORT_OFFSETS.flinkRest,
  after: [],
  deadlineMs: 90_000,
  launch: flinkLaunch('jobmanager', 'org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint', (conf) => [
    '--configDir',
    conf,
  ]),
  ready: async ({ addresses }) => void (await httpOk(`${addresses.flink}/overview`)),
};

const taskmanager: Server = {
  name: 'taskmanager',
  version: VERSIONS.flink,
  port: () => 0,
  after: ['jobmanager'],
  deadlineMs: 90_000,
  launch: flinkLaunch('taskmanager', 'org.apache.flink.runtime.taskexecutor.TaskManagerRunner', (conf) => [
    '--configDir',
    conf,
    ...Object.entries(TASK_MANAGER_MEMORY).flatMap(([key, value]) => ['-D', `${key}=${value}`]),
  ]),
  async ready({ addresses }) {
    const { total } = await flinkCluster(addresses.flink).slots();
    if (total === 0) throw new Error('no task manager is registered');
  },
};

const sqlGateway: Server = {
  name: 'sql-gateway',
  version: VERSIONS.flink,
  port: ({ basePort }) => basePort + PORT_OFFSETS.sqlGateway,
  after: [],
  deadlineMs: 90_000,
  launch: flinkLaunch('sql-gateway', 'org.apache.flink.table.gateway.SqlGateway', () => []),
  ready: async ({ addresses }) => void (await httpOk(`${addresses.sqlGateway}/v1/info`)),
};

const lookup: Server = {
  name: 'lookup',
  version: VERSIONS.paimon,
  port: ({ basePort }) => basePort + PORT_OFFSETS.lookup,
  after: [],
  deadlineMs: 60_000,
  async launch(context) {
    const { directory, basePort, addresses, say } = context;
    const [classpath, jar] = [await fetchClasspath('flink', VERSIONS.flink, say), await ownJar(context)];
    mkdirSync(addresses.warehouse.paimon, { recursive: true });
    const args = [
      '--port',
      String(basePort + PORT_OFFSETS.lookup),
      '--warehouse',
      addresses.warehouse.paimon,
      '--cache',
      join(directory, 'lookup'),
    ];
    return {
      command: 'java',
      args: [heap('lookup'), ...LEAN, log4j(directory), '-cp', `${jar}:${classpath}`, 'io.millrace.lookup.LookupServer', ...args],
      cwd: directory,
    };
  },
  ready: ({ addresses }) =>
    new Promise((resolve, reject) => {
      const socket = connectTcp(addresses.lookup);
      socket.once('connect', () => {
        socket.destroy();
        resolve();
      });
      socket.once('error', reject);
    }),
};

export const SERVER_TABLE: Readonly<Record<ServerName, Server>> = {
  kafka,
  registry,
  mariadb,
  redis,
  jobmanager,
  taskmanager,
  'sql-gateway': sqlGateway,
  lookup,
};
