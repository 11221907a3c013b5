/** How each server is prepared, started and checked to be ready. */
import { existsSync, mkdirSync, mkdtempSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import mysql from 'mysql2/promise';
import { LOOPBACK, PORT_OFFSETS } from './addresses.ts';
import { fetchClasspath, fetchRegistry, findServer, run } from './fetch.ts';
import { jobmanager, lookup, sqlGateway, taskmanager } from './flink-servers.ts';
import { privately } from './private-files.ts';
import { BUSY, file, heap, httpOk, LEAN, log4j, type Server } from './server.ts';
import { kafkaProperties, redisArguments } from './settings.ts';
import { type ServerName, VERSIONS } from './versions.ts';

const kafka: Server = {
  name: 'kafka',
  version: VERSIONS.kafka,
  port: ({ basePort }) => basePort + PORT_OFFSETS.kafka,
  otherPorts: ({ basePort }) => [basePort + PORT_OFFSETS.kafkaController],
  after: [],
  deadlineMs: 60_000,
  async launch({ directory, basePort, say }) {
    const classpath = await fetchClasspath('kafka', VERSIONS.kafka, say);
    const data = join(directory, 'kafka');
    const properties = file(
      join(directory, 'conf'),
      'kafka.properties',
      kafkaProperties(basePort, data),
    );
    const java = [log4j(directory), '-cp', classpath];
    if (!existsSync(join(data, 'meta.properties')))
      await privately(() =>
        run(
          'java',
          [
            ...java,
            'kafka.tools.StorageTool',
            'format',
            '-t',
            'bWlsbHJhY2VtaWxscmFjZQ',
            '-c',
            properties,
          ],
          directory,
        ),
      );
    return {
      command: 'java',
      args: [heap('kafka'), ...BUSY, ...java, 'kafka.Kafka', properties],
      cwd: directory,
    };
  },
  async ready({ addresses }) {
    // Loading Kafka's client takes a second, so commands that start no server do not load it.
    const { openCluster } = await import('#infra/kafka/wire/cluster.ts');
    const cluster = openCluster({ brokers: [addresses.kafka], clientId: 'millrace-stack' });
    try {
      await cluster.describe(null);
    } finally {
      await cluster.close();
    }
  },
};

const registry: Server = {
  name: 'registry',
  version: VERSIONS.apicurio,
  port: ({ basePort }) => basePort + PORT_OFFSETS.registry,
  after: [],
  deadlineMs: 180_000,
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
        // In a file, because every record has a schema id: the ids must survive a restart of the
        // registry.
        `-Dapicurio.datasource.url=jdbc:h2:file:${join(data, 'registry')}`,
        // After a kill, the file's recovery on a busy machine takes longer than the default of 5 s.
        '-Dapicurio.datasource.jdbc.initial-size=2',
        '-Dquarkus.datasource.h2.jdbc.acquisition-timeout=60',
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
    if (!existsSync(data)) {
      // An interrupted installation leaves nothing that looks like a database.
      const part = mkdtempSync(join(directory, '.mariadb-'));
      await run(
        'mariadb-install-db',
        [
          '--no-defaults',
          `--datadir=${part}`,
          '--auth-root-authentication-method=normal',
          '--skip-test-db',
        ],
        directory,
      );
      renameSync(part, data);
    }
    // In the init file, each line is one statement.
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
      args: redisArguments(basePort),
      cwd: directory,
    };
  },
  async ready({ addresses }) {
    const client = new Redis({
      ...addresses.redis,
      lazyConnect: true,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.ping();
    } finally {
      client.disconnect();
    }
  },
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
