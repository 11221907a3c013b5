/** Free ports for a stack. */
import { createServer } from 'node:net';

const PORTS = 10;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/** The first one of a block of ports that are free now. */
export const freeBlock = async (): Promise<number> => {
  for (let base = 17_420; base < 30_000; base += PORTS) {
    const free = await Promise.all(Array.from({ length: PORTS }, (_, i) => isFree(base + i)));
    if (free.every(Boolean)) return base;
  }
  throw new Error('no block of free ports was found for the stack');
};
