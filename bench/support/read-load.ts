/** The load of `read-client.ts`, from a process of its own. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Load {
  /** per second */
  readonly requests: number;
  /** all answers, including those before the measurement */
  readonly answered: number;
  /** ms */
  readonly p50: number;
  readonly p99: number;
  readonly errors: number;
}

export interface LoadOptions {
  /** one server or several: connections are distributed over them */
  readonly urls: readonly string[];
  /** sent in turn */
  readonly bodies: readonly string[];
  readonly seconds: number;
  /** requests per second; 0: as many as possible */
  readonly rate: number;
  readonly connections: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export const load = (options: LoadOptions): Promise<Load> =>
  new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./read-client.ts', import.meta.url)));
    child.on('message', (answer) => resolve(answer as Load));
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? undefined : reject(new Error(`the client ended with ${code}`)),
    );
    child.send(options);
  });

/**
 * One body to POST /v1/features over 64 connections. @param rate requests per second; 0: as many as
 * possible
 */
export const readLoad = (url: string, body: string, seconds: number, rate = 0): Promise<Load> =>
  load({ urls: [`${url}/v1/features`], bodies: [body], seconds, rate, connections: 64 });
