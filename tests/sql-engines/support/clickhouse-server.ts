/** ClickHouse with its HTTP protocol, from chdb's library. It has no users: loopback only. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engineSetup } from '#domain/sql/setup/engine-setup.ts';
import { cache, once, run } from '#infra/stack/fetch.ts';
import { startServer } from './server.ts';
import type { EngineServer } from './suite.ts';

const PACKAGE = '@chdb/lib-linux-x64-gnu@26.7.3-stable.1';
const START_MS = 120_000;

/** The library alone: as a dependency, half a gigabyte would be installed everywhere. */
const library = async (): Promise<string> => {
  const folder = await once(
    join(cache, 'chdb-26.7.3'),
    'ClickHouse',
    (line) => console.warn(line),
    async (into) => {
      await run('npm', ['pack', PACKAGE, '--silent', `--pack-destination=${into}`], into);
      const file = readdirSync(into).find((name) => name.endsWith('.tgz')) ?? 'nothing';
      await run('tar', ['xzf', file, '--no-same-owner', 'package/libchdb.so'], into);
      rmSync(join(into, file));
    },
  );
  return join(folder, 'package', 'libchdb.so');
};

const configOf = (directory: string, port: number): string => `<clickhouse>
<http_port>${port}</http_port>
<listen_host>127.0.0.1</listen_host>
<path>${directory}/data/</path>
<logger><level>warning</level><console>1</console></logger>
</clickhouse>
`;

const statementsOf = (text: string): readonly string[] =>
  text
    .split(/;\s*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');

/** @param catalogs name → address of an Iceberg catalog */
export const startClickHouse = async (
  port: number,
  catalogs: Readonly<Record<string, string>> = {},
): Promise<EngineServer> => {
  const lib = await library();
  const directory = mkdtempSync(join(tmpdir(), 'millrace-clickhouse-'));
  const config = join(directory, 'config.xml');
  writeFileSync(config, configOf(directory, port));
  const url = `http://127.0.0.1:${port}`;
  const server = await startServer({
    command: 'python3',
    args: [join(import.meta.dirname, 'clickhouse_server.py'), lib, config],
    // It reads local files below its working directory only.
    cwd: tmpdir(),
    ready: async () => (await fetch(`${url}/ping`)).ok,
    timeoutMs: START_MS,
  });
  const close = async (): Promise<void> => {
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    for (const [catalog, uri] of Object.entries(catalogs)) {
      const { text } = engineSetup('clickhouse', { uri, catalog, withKey: false, paimon: null });
      for (const body of statementsOf(text)) {
        const answer = await fetch(`${url}/?session_id=setup`, { method: 'POST', body });
        if (!answer.ok) throw new Error(await answer.text());
      }
    }
    return { close };
  } catch (error) {
    await close();
    throw error;
  }
};
