/**
 * Feast from PyPI over a benchmark's Redis: a feature store in a directory of its own, with one
 * view `drivers` over the file `rows.parquet` in that directory.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pythonWithFeast } from '#tests/support/venv.ts';
import type { RedisAddress, Written } from './redis-rig.ts';
import { freePort } from './redis-server.ts';

export const FEAST = 'feast 0.67.0';

export interface FeastServer {
  readonly url: string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

export interface FeastStore {
  /** of the rows */
  readonly file: string;
  /** Registers the view. */
  readonly apply: () => void;
  /** Writes all rows to Redis. */
  readonly materialize: () => Written;
  /**
   * Writes a vector of all values of each entity in Redis, for the feature service `vectors`. From
   * then on `materialize` would write them, too.
   */
  readonly precompute: () => Written;
  readonly serve: (workers: number) => Promise<FeastServer>;
  readonly remove: () => void;
}

const script = (name: string): string =>
  fileURLToPath(new URL(`../feast/${name}`, import.meta.url));

export const openFeastStore = (redis: RedisAddress, columns: number): FeastStore => {
  const python = pythonWithFeast();
  const feast = join(dirname(python), 'feast');
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-feast-'));
  const children: ChildProcess[] = [];
  const remove = (): void => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };
  process.on('exit', remove);
  // Feast reads every Python file beside the store's settings as definitions, so the other scripts
  // stay where they are.
  copyFileSync(script('features.py'), join(directory, 'features.py'));
  writeFileSync(
    join(directory, 'feature_store.yaml'),
    `project: bench
registry: registry.db
provider: local
online_store:
  type: redis
  connection_string: "${redis.host}:${redis.port}"
offline_store:
  type: file
entity_key_serialization_version: 3
`,
  );
  const run = (vectors: boolean, command: string, ...args: readonly string[]): string =>
    execFileSync(command, args, {
      cwd: directory,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', process.env.VERBOSE ? 'inherit' : 'ignore'],
      env: { ...process.env, COLUMNS: String(columns), VECTORS: vectors ? '1' : '' },
    });
  const written = (output: string): Written => {
    const [, seconds, cpuSeconds] = /seconds ([\d.]+) cpu ([\d.]+)/.exec(output) ?? [];
    if (seconds === undefined) throw new Error(`Feast says: ${output}`);
    return { seconds: Number(seconds), cpuSeconds: Number(cpuSeconds) };
  };
  return {
    file: join(directory, 'rows.parquet'),
    apply: () => void run(false, feast, 'apply'),
    materialize: () => written(run(false, python, script('materialize.py'), 'drivers')),
    precompute() {
      run(true, feast, 'apply');
      return written(run(true, python, script('precompute.py'), 'vectors'));
    },
    async serve(workers) {
      const { host } = redis;
      const port = await freePort();
      const settings = ['--max-requests', '0', '--workers', `${workers}`, '--no-access-log'];
      const child = spawn(feast, ['serve', '--host', host, '--port', `${port}`, ...settings], {
        cwd: directory,
        stdio: ['ignore', 'ignore', process.env.VERBOSE ? 'inherit' : 'ignore'],
      });
      children.push(child);
      const url = `http://${host}:${port}`;
      const answers = (): Promise<boolean> =>
        fetch(`${url}/health`).then(
          ({ ok }) => ok,
          () => false,
        );
      while (!(await answers())) {
        if (child.exitCode !== null) throw new Error(`feast serve ended with ${child.exitCode}`);
        await sleep(200);
      }
      return {
        url,
        pid: child.pid as number,
        async stop() {
          child.kill('SIGTERM');
          await once(child, 'exit');
        },
      };
    },
    remove,
  };
};
