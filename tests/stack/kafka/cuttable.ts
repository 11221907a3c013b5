import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { KafkaAddress } from '#infra/kafka/wire/address.ts';

export interface Cuttable {
  readonly route: NonNullable<KafkaAddress['route']>;
  /** Breaks all connections, and refuses new ones until restored. */
  cut(): void;
  restore(): void;
  close(): void;
}

/** A way to a broker that can be cut. */
export const cuttable = async (broker: string): Promise<Cuttable> => {
  const [host = '', port] = broker.split(':');
  const open = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) return void near.destroy();
    const far = connect({ host, port: Number(port) });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const through = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  return {
    // a port where no server listens, so that a connection is refused
    route: () => (isCut ? { host: '127.0.0.1', port: 1 } : through),
    cut() {
      isCut = true;
      for (const socket of open) socket.destroy();
    },
    restore() {
      isCut = false;
    },
    close: () => void server.close(),
  };
};
