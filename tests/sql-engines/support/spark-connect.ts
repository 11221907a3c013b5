/** Spark with Spark Connect, of PyPI's pyspark, with Iceberg's runtime. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engineSetup } from '#domain/sql/setup/engine-setup.ts';
import { pythonWithDialects } from '#tests/support/venv.ts';
import { jars } from './maven.ts';
import { startServer } from './server.ts';
import type { EngineServer } from './suite.ts';

/** The newest that Maven Central serves for Spark 3.5; it runs on the Spark of pyspark. */
const CONNECT = '3.5.5';
const SCALA = '2.12';
const ICEBERG = '1.11.0';
const START_MS = 120_000;

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** As `millrace sql setup` prints them, but for the packages, which are there already. */
const settingsOf = ([catalog, uri]: readonly [string, string]): (readonly [string, string])[] =>
  engineSetup('spark', { uri, catalog, withKey: false, paimon: null })
    .text.split('\n')
    .map((line) => line.split(' ') as [string, string])
    .filter(([name]) => name !== 'spark.jars.packages');

export const startSpark = async (
  port: number,
  catalogs: Readonly<Record<string, string>>,
): Promise<EngineServer> => {
  const python = pythonWithDialects();
  const home = execFileSync(python, ['-c', 'import pyspark; print(pyspark.__path__[0])'], {
    encoding: 'utf8',
  }).trim();
  const classpath = await jars(`spark-connect-${CONNECT}`, [
    `org.apache.spark:spark-connect_${SCALA}:${CONNECT}`,
    `org.apache.iceberg:iceberg-spark-runtime-3.5_${SCALA}:${ICEBERG}`,
  ]);
  const directory = mkdtempSync(join(tmpdir(), 'millrace-spark-'));
  const settings: Readonly<Record<string, string>> = {
    'spark.master': 'local[2]',
    'spark.driver.memory': '1g',
    'spark.ui.enabled': 'false',
    'spark.sql.shuffle.partitions': '1',
    'spark.connect.grpc.binding.port': String(port),
    'spark.sql.warehouse.dir': join(directory, 'warehouse'),
    'spark.jars': classpath.join(','),
    // Another zone than the session's: a driver that forgets to set it is found out.
    'spark.sql.session.timeZone': 'America/New_York',
    ...Object.fromEntries(Object.entries(catalogs).flatMap(settingsOf)),
  };
  const server = await startServer({
    command: join(home, 'bin', 'spark-submit'),
    args: [
      '--class',
      'org.apache.spark.sql.connect.service.SparkConnectServer',
      ...Object.entries(settings).flatMap(([name, value]) => ['--conf', `${name}=${value}`]),
    ],
    cwd: directory,
    env: { SPARK_LOCAL_IP: '127.0.0.1', SPARK_HOME: home },
    ready: () => listens(port),
    timeoutMs: START_MS,
  });
  return {
    async close() {
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
