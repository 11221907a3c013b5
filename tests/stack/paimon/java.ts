/**
 * The Java module's programs, compiled, on the class path of its tests: the lookup server, and a
 * writer of tables for it.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const MODULE = join(import.meta.dirname, '../../../java');
const PATHS = join(MODULE, 'target/test-classpath.txt');

let known: string | null = null;

/** Compiles what has changed, once for each run. */
const classPath = (): string => {
  if (known !== null) return known;
  execFileSync(
    'mvn',
    [
      '-q',
      '-B',
      'test-compile',
      'dependency:build-classpath',
      '-Dmdep.includeScope=test',
      `-Dmdep.outputFile=${PATHS}`,
    ],
    { cwd: MODULE, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  known = [
    join(MODULE, 'target/classes'),
    join(MODULE, 'target/test-classes'),
    readFileSync(PATHS, 'utf8').trim(),
  ].join(':');
  return known;
};

/** Creates or fills a table: see TileTable. */
export const writeTiles = (...args: readonly string[]): void => {
  execFileSync('java', ['-Xmx512m', '-cp', classPath(), 'io.millrace.lookup.TileTable', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
};

export interface RunningServer {
  readonly process: ChildProcess;
  /** everything it has logged */
  readonly log: () => string;
  /** resolves to the exit code, or the signal */
  readonly stop: (signal: NodeJS.Signals) => Promise<number | string | null>;
}

export const startLookupServer = (
  port: number,
  warehouse: string,
  cache: string,
): RunningServer => {
  const args = ['-Xmx512m', '-cp', classPath(), 'io.millrace.lookup.LookupServer'];
  const child = spawn(
    'java',
    [...args, '--port', String(port), '--warehouse', warehouse, '--cache', cache],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let log = '';
  child.stderr?.on('data', (chunk) => {
    log += String(chunk);
  });
  const exited = new Promise<number | string | null>((resolve) =>
    child.on('exit', (code, signal) => resolve(signal ?? code)),
  );
  return {
    process: child,
    log: () => log,
    stop(signal) {
      child.kill(signal);
      return exited;
    },
  };
};
