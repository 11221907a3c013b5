/**
 * Feast's own feature server over a repository that was applied. Tests compare the gateway with it.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';

export interface FeastServer {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

const isUp = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(`${url}/health`)).ok;
  } catch {
    return false;
  }
};

/** @param python an interpreter that has Feast */
export const startFeastServer = async (
  python: string,
  repository: string,
): Promise<FeastServer> => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  // The server and its workers are one process group, and are stopped together.
  const child = spawn(
    join(python, '..', 'feast'),
    ['serve', '--host', '127.0.0.1', '--port', String(port), '--no-access-log'],
    {
      cwd: repository,
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let said = '';
  child.stderr.on('data', (data) => {
    said = `${said}${data}`.slice(-4000);
  });
  const ended = once(child, 'exit');
  while (!(await isUp(url))) {
    if (child.exitCode !== null) throw new Error(`feast serve ended: ${said}`);
    await sleep(200);
  }
  return {
    url,
    async stop() {
      process.kill(-(child.pid as number), 'SIGTERM');
      await ended;
    },
  };
};
