import { connect, type Socket } from 'node:net';
import type { ISocketFactory } from 'kafkajs';

/** Connections that can be cut, all at once, and are refused until restored. */
export const cuttable = (): { readonly sockets: ISocketFactory; cut(): void; restore(): void } => {
  const open = new Set<Socket>();
  let cut = false;
  return {
    sockets({ host, port, onConnect }) {
      const socket = connect({ host, port: cut ? 1 : port }, onConnect);
      open.add(socket);
      socket.on('close', () => open.delete(socket));
      return socket;
    },
    cut() {
      cut = true;
      for (const socket of open) socket.destroy(new Error('cut'));
    },
    restore() {
      cut = false;
    },
  };
};
