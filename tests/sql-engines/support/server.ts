/** A server of a test: a process group of its own, ended with the test whatever happens. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Started {
  /** what it wrote last */
  readonly output: () => string;
  readonly close: () => Promise<void>;
}

export interface Start {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly ready: () => Promise<boolean>;
  readonly timeoutMs: number;
}

const POLL_MS = 100;
const KEPT = 20_000;
const STOP_MS = 10_000;

export const startServer = async (start: Start): Promise<Started> => {
  const { command, args, cwd, env = {}, ready, timeoutMs } = start;
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  const take = (chunk: Buffer): void => {
    output = (output + String(chunk)).slice(-KEPT);
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  let ended: string | null = null;
  const exited = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      ended = error.message;
      resolve();
    });
    child.once('exit', (code, signal) => {
      ended = `it ended with ${signal ?? code}`;
      resolve();
    });
  });
  const signal = (name: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch {
      // It has ended.
    }
  };
  const end = (): void => signal('SIGKILL');
  process.once('exit', end);
  const close = async (): Promise<void> => {
    signal('SIGTERM');
    await Promise.race([exited, sleep(STOP_MS, undefined, { ref: false })]);
    end();
    await exited;
    process.removeListener('exit', end);
  };
  for (const deadline = Date.now() + timeoutMs; ; await sleep(POLL_MS)) {
    if (ended === null && (await ready().catch(() => false))) break;
    if (ended !== null || Date.now() > deadline) {
      await close();
      throw new Error(`${command}: ${ended ?? 'it was not ready in time'}\n${output}`);
    }
  }
  return { output: () => output, close };
};
