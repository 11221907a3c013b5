/** A Redis of the benchmark's own, on a free port, without persistence. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { RedisAddress } from './redis-rig.ts';

const HOST = '127.0.0.1';

export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
};

/** Ends with this process at the latest. */
export const startRedis = async (): Promise<{
  readonly address: RedisAddress;
  readonly stop: () => void;
}> => {
  const port = await freePort();
  const child = spawn(
    'redis-server',
    ['--port', `${port}`, '--bind', HOST, '--save', '', '--appendonly', 'no'],
    {
      stdio: 'ignore',
    },
  );
  const stop = (): void => void child.kill('SIGKILL');
  process.on('exit', stop);
  return { address: { host: HOST, port }, stop };
};
