/**
 * Checks before the start of a server that its ports are free. Otherwise the cause would be found
 * only in the server's log.
 */

import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '#domain/errors.ts';
import { LOOPBACK } from './addresses.ts';
import type { ServerName } from './versions.ts';

const inUse = (port: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(true) : reject(error),
    );
    server.listen(port, LOOPBACK, () => server.close(() => resolve(false)));
  });

/** A process that has just ended may keep its ports for a moment. */
const RETRY_FOR_MS = 500;
const POLL_MS = 50;
const staysInUse = async (port: number): Promise<boolean> => {
  for (const deadline = Date.now() + RETRY_FOR_MS; await inUse(port); await sleep(POLL_MS))
    if (Date.now() > deadline) return true;
  return false;
};

export const assertFree = async (name: ServerName, ports: readonly number[]): Promise<void> => {
  for (const port of ports)
    if (await staysInUse(port))
      throw new MillraceError(
        'MR_STACK_FAILED',
        `port ${port}, which ${name} needs, is in use, but not by a server of this directory: \`ss -ltnp 'sport = :${port}'\` names the process; stop it, or choose other ports with --base-port`,
        { server: name, port },
      );
};
