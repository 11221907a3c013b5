/** The load of `read-client.ts`, from a process of its own. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Load {
  readonly requests: number;
  /** ms */
  readonly p50: number;
  readonly p99: number;
  readonly errors: number;
}

/** @param rate requests a second; 0: as many as are answered */
export const readLoad = (url: string, body: string, seconds: number, rate = 0): Promise<Load> =>
  new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./read-client.ts', import.meta.url)), [url, body, String(seconds), String(rate)]);
    child.on('message', (answer) => resolve(answer as Load));
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? undefined : reject(new Error(`the client ended with ${code}`))));
  });
