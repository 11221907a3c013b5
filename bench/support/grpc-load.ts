/** The load of `grpc-client.ts`, from a process of its own. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Load } from './read-load.ts';

export interface GrpcLoadOptions {
  /** host:port */
  readonly address: string;
  /** of the unary method; the name of the streaming one has `Stream` at its end */
  readonly path: string;
  /** encoded requests, sent in turn */
  readonly bodies: readonly Uint8Array[];
  readonly seconds: number;
  readonly inFlight: number;
  readonly streaming: boolean;
}

export const grpcLoad = (options: GrpcLoadOptions): Promise<Load> =>
  new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./grpc-client.ts', import.meta.url)), {
      serialization: 'advanced',
    });
    child.on('message', (answer) => resolve(answer as Load));
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? undefined : reject(new Error(`the client ended with ${code}`)),
    );
    child.send(options);
  });
