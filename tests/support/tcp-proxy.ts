/**
 * A TCP proxy between a process and a server, or in front of several. Each connection goes to the
 * next target that answers. It can delay answers, hold them back, refuse connections, or cut all of
 * them.
 */

import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

interface Address {
  readonly host: string;
  readonly port: number;
}

export interface TcpProxy {
  readonly address: Address;
  readonly url: string;
  /** the delay of answers, ms; Infinity: answers are held back */
  delay: (ms: number) => void;
  /** Resets all connections, and refuses new ones until `restore`. */
  cut: () => void;
  restore: () => void;
  /** connections to each target so far, by `host:port` */
  readonly taken: () => ReadonlyMap<string, number>;
  readonly close: () => Promise<void>;
}

const nameOf = ({ host, port }: Address): string => `${host}:${port}`;

export const openProxy = async (targets: () => readonly Address[]): Promise<TcpProxy> => {
  const open = new Set<Socket>();
  const taken = new Map<string, number>();
  let delayMs = 0;
  let isCut = false;
  let turn = 0;

  /** Chunks keep their order. The delay of each is the one set when it arrives. */
  const passLate = (from: Socket, to: Socket): void => {
    let before: Promise<void> = Promise.resolve();
    from.on('data', (chunk) => {
      const late = delayMs;
      const due = Date.now() + late;
      before = before.then(async () => {
        if (late === Number.POSITIVE_INFINITY) return;
        if (late > 0) await sleep(Math.max(0, due - Date.now()));
        if (to.writable && !to.write(chunk)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
    });
    from.on('end', () => void before.then(() => to.end()));
  };

  const join = (client: Socket, left: readonly Address[]): void => {
    const [target, ...others] = left;
    if (target === undefined) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ ...target, noDelay: true });
    let joined = false;
    server.once('connect', () => {
      joined = true;
      taken.set(nameOf(target), (taken.get(nameOf(target)) ?? 0) + 1);
      open.add(server);
      client.pipe(server, { end: true });
      passLate(server, client);
    });
    server.on('error', () => {
      if (joined) client.resetAndDestroy();
      else join(client, others);
    });
    server.once('close', () => open.delete(server));
    client.once('close', () => server.destroy());
  };

  const server = createServer({ noDelay: true }, (client) => {
    client.on('error', () => {});
    if (isCut) {
      client.resetAndDestroy();
      return;
    }
    open.add(client);
    client.once('close', () => open.delete(client));
    const all = targets();
    const first = all.length === 0 ? 0 : turn++ % all.length;
    join(client, [...all.slice(first), ...all.slice(0, first)]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const reset = (): void => {
    for (const socket of open) socket.resetAndDestroy();
  };

  return {
    address: { host: '127.0.0.1', port },
    url: `http://127.0.0.1:${port}`,
    delay(ms) {
      delayMs = ms;
    },
    cut() {
      isCut = true;
      reset();
    },
    restore() {
      isCut = false;
    },
    taken: () => taken,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        reset();
      }),
  };
};
