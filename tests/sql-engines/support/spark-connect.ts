/** Spark with Spark Connect, of PyPI's pyspark, with Iceberg's runtime. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pythonWithDialects } from '#tests/support/venv.ts';
import { jars } from './maven.ts';
import { startServer } from './server.ts';
import type { EngineServer } from './suite.ts';

const SPARK = '3.5.9';
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

export const startSpark = async (
  port: number,
  catalogs: Readonly<Record<string, string>>,
): Promise<EngineServer> => {
  const python = pythonWithDialects();
  const home = execFileSync(python, ['-c', 'import pyspark; print(pyspark.__path__[0])'], {
    encoding: 'utf8',
  }).trim();
  const classpath = await jars(`spark-connect-${SPARK}`, [
    `org.apache.spark:spark-connect_${SCALA}:${SPARK}`,
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
    ...Object.fromEntries(
      Object.entries(catalogs).flatMap(([name, uri]) => [
        [`spark.sql.catalog.${name}`, 'org.apache.iceberg.spark.SparkCatalog'],
        [`spark.sql.catalog.${name}.type`, 'rest'],
        [`spark.sql.catalog.${name}.uri`, uri],
        [`spark.sql.catalog.${name}.warehouse`, 'millrace'],
        [`spark.sql.catalog.${name}.cache-enabled`, 'false'],
      ]),
    ),
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
