/** Servers that tests start through scripts, and processes that should end with them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Started {
  readonly url: string;
  /** of the server itself */
  readonly pid: number;
  /** what was started, which started the server */
  readonly child: ChildProcess;
}

/** Starts a command that serves, in `cwd`, and waits until it is ready. */
export const startServing = (
  command: string,
  args: readonly string[],
  options: {
    readonly cwd: string;
    readonly env?: NodeJS.ProcessEnv;
    /** in a process group of its own, as a terminal starts it */
    readonly detached?: boolean;
  },
): Promise<Started> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, [...args, '--port', '0', '--json'], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      detached: options.detached ?? false,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stderr.on('data', (chunk) => {
      err += String(chunk);
    });
    child.stdout.on('data', (chunk) => {
      out += String(chunk);
      const line = /^\{.*\}$/m.exec(out)?.[0];
      if (line === undefined) return;
      const { url, pid } = JSON.parse(line) as { readonly url: string; readonly pid: number };
      resolve({ url, pid, child });
    });
    child.once('exit', (code) => reject(new Error(`ended with ${code}\n${out}\n${err}`)));
  });

export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Resolves when the process is gone. The test's own time limit is the only one. */
export const gone = async (pid: number): Promise<void> => {
  while (isAlive(pid)) await sleep(20);
};
