/**
 * A real `millrace serve` as a child process, for tests that kill it and for tests of what users
 * see.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../gateways/cli/main.ts', import.meta.url));
const START_DEADLINE_MS = 30_000;

export interface Server {
  readonly url: string;
  readonly child: ChildProcess;
  /** everything written to stdout, and to stderr */
  readonly output: () => { readonly out: string; readonly err: string };
  /** Sends SIGKILL and waits for the exit. */
  readonly kill: () => Promise<void>;
  /** Sends SIGTERM. Resolves to the exit status. */
  readonly stop: () => Promise<number | null>;
}

export const startServer = (
  dataDirectory: string,
  env: NodeJS.ProcessEnv = {},
  more: readonly string[] = [],
): Promise<Server> =>
  new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [MAIN, 'serve', '--data', dataDirectory, '--port', '0', ...more],
      {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let out = '';
    let err = '';
    const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`the server was not ready in time\n${out}\n${err}`));
    }, START_DEADLINE_MS);
    void exited.then((code) => {
      clearTimeout(timer);
      reject(new Error(`the server ended with ${code} before it was ready\n${out}\n${err}`));
    });
    child.stderr?.on('data', (chunk) => {
      err += String(chunk);
    });
    child.stdout?.on('data', (chunk) => {
      out += String(chunk);
      const url = /http:\/\/[\d.]+:\d+/.exec(out)?.[0];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve({
        url,
        child,
        output: () => ({ out, err }),
        async kill() {
          child.kill('SIGKILL');
          await exited;
        },
        stop() {
          child.kill('SIGTERM');
          return exited;
        },
      });
    });
  });

export const call = async (
  url: string,
  path: string,
  init: { body?: unknown; method?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; body: unknown }> => {
  const response = await fetch(`${url}${path}`, {
    method: init.method ?? (init.body === undefined ? 'GET' : 'POST'),
    headers: { 'content-type': 'application/json', ...init.headers },
    ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
  });
  return { status: response.status, body: await response.json() };
};
