/** Flink's three processes, and the lookup server, which uses the same class path. */
import { mkdirSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { flinkCluster } from '#infra/flink/cluster.ts';
import { PORT_OFFSETS } from './addresses.ts';
import { fetchClasspath } from './fetch.ts';
import type { Launch } from './process.ts';
import {
  BUSY,
  file,
  heap,
  httpOk,
  LEAN,
  log4j,
  ownJar,
  type Server,
  type ServerContext,
} from './server.ts';
import { FLINK_OPENS, flinkConfiguration, TASK_MANAGER_MEMORY } from './settings.ts';
import { VERSIONS } from './versions.ts';

const flinkLaunch =
  (
    name: 'jobmanager' | 'taskmanager' | 'sql-gateway',
    main: string,
    args: (conf: string) => readonly string[],
  ) =>
  async (context: ServerContext): Promise<Launch> => {
    const { directory, basePort, say } = context;
    const [classpath, jar] = [
      await fetchClasspath('flink', VERSIONS.flink, say),
      await ownJar(context),
    ];
    const home = join(directory, 'flink');
    for (const folder of ['checkpoints', 'savepoints', 'tmp'])
      mkdirSync(join(home, folder), { recursive: true });
    file(join(home, 'conf'), 'config.yaml', flinkConfiguration(basePort, home));
    const conf = join(home, 'conf');
    return {
      command: 'java',
      args: [
        heap(name),
        ...(name === 'taskmanager' ? BUSY : LEAN),
        ...FLINK_OPENS,
        log4j(directory),
        '-cp',
        `${jar}:${classpath}`,
        main,
        ...args(conf),
      ],
      cwd: home,
      env: { FLINK_CONF_DIR: conf },
    };
  };

export const jobmanager: Server = {
  name: 'jobmanager',
  version: VERSIONS.flink,
  port: ({ basePort }) => basePort + PORT_OFFSETS.flinkRest,
  otherPorts: ({ basePort }) => [basePort + PORT_OFFSETS.flinkRpc],
  after: [],
  deadlineMs: 90_000,
  launch: flinkLaunch(
    'jobmanager',
    'org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint',
    (conf) => ['--configDir', conf],
  ),
  ready: async ({ addresses }) => void (await httpOk(`${addresses.flink}/overview`)),
};

export const taskmanager: Server = {
  name: 'taskmanager',
  version: VERSIONS.flink,
  port: () => 0,
  after: ['jobmanager'],
  deadlineMs: 90_000,
  launch: flinkLaunch(
    'taskmanager',
    'org.apache.flink.runtime.taskexecutor.TaskManagerRunner',
    (conf) => [
      '--configDir',
      conf,
      ...Object.entries(TASK_MANAGER_MEMORY).flatMap(([key, value]) => ['-D', `${key}=${value}`]),
    ],
  ),
  async ready({ addresses }) {
    const { total } = await flinkCluster(addresses.flink).slots();
    if (total === 0) throw new Error('no task manager is registered');
  },
};

export const sqlGateway: Server = {
  name: 'sql-gateway',
  version: VERSIONS.flink,
  port: ({ basePort }) => basePort + PORT_OFFSETS.sqlGateway,
  after: [],
  deadlineMs: 90_000,
  launch: flinkLaunch('sql-gateway', 'org.apache.flink.table.gateway.SqlGateway', () => []),
  ready: async ({ addresses }) => void (await httpOk(`${addresses.sqlGateway}/v1/info`)),
};

export const lookup: Server = {
  name: 'lookup',
  version: VERSIONS.paimon,
  port: ({ basePort }) => basePort + PORT_OFFSETS.lookup,
  after: [],
  deadlineMs: 60_000,
  async launch(context) {
    const { directory, basePort, addresses, say } = context;
    const [classpath, jar] = [
      await fetchClasspath('flink', VERSIONS.flink, say),
      await ownJar(context),
    ];
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
      args: [
        heap('lookup'),
        ...BUSY,
        log4j(directory),
        '-cp',
        `${jar}:${classpath}`,
        'io.millrace.lookup.LookupServer',
        ...args,
      ],
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
