/** A server that accepts every event and keeps none, so that only the client's work is measured. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ROW_SOURCE } from './row-files.ts';

export interface Sink {
  readonly url: string;
  /** accepted since the last reset */
  events(): number;
  reset(): void;
  close(): Promise<void>;
}

/** The events of a batch have no braces in their texts. */
const countOf = (body: Buffer): number => {
  let count = -1;
  for (let at = body.indexOf(0x7b); at >= 0; at = body.indexOf(0x7b, at + 1)) count++;
  return count;
};

export const startSink = async (): Promise<Sink> => {
  let events = 0;
  const entry = { kind: 'source', name: ROW_SOURCE.name, version: 1, definition: ROW_SOURCE };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const answer = (body: unknown): void => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(body));
    };
    if (request.method === 'POST') {
      const accepted = countOf(Buffer.concat(chunks));
      events += accepted;
      answer({ accepted, duplicates: 0, rejected: [], position: `0:${events}` });
    } else if (request.url?.includes('/producers/') === true) answer({ next: 0 });
    else answer(entry);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    events: () => events,
    reset() {
      events = 0;
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
};
