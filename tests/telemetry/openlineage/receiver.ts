/**
 * A receiver of OpenLineage events over HTTP. A test decides whether it accepts, refuses, hangs or
 * is gone.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import type { LineageEvent } from '#projections/lineage/event.ts';

interface Received {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly event: LineageEvent;
}

export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  /** status of the answers; null: no answer */
  answer: number | null;
  /** requests so far, accepted or not */
  readonly requests: () => number;
  /** Resolves when `enough` accepts the events received so far. */
  readonly until: (
    enough: (events: readonly LineageEvent[]) => boolean,
  ) => Promise<readonly LineageEvent[]>;
  readonly close: () => Promise<void>;
}

export const startReceiver = async (port = 0): Promise<Receiver> => {
  const received: Received[] = [];
  let waiting: (() => void)[] = [];
  let requests = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    requests++;
    const { answer } = receiver;
    const body = Buffer.concat(chunks);
    if (answer !== null) {
      if (answer < 300) {
        const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
        received.push({
          path: request.url ?? '',
          headers: request.headers,
          event: JSON.parse(String(text)) as LineageEvent,
        });
      }
      response.writeHead(answer).end(answer < 300 ? '' : 'as the test says');
    }
    for (const wake of waiting.splice(0)) wake();
  });
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer: 201,
    requests: () => requests,
    async until(enough) {
      for (;;) {
        const events = received.map(({ event }) => event);
        if (enough(events)) return events;
        await new Promise<void>((done) => waiting.push(done));
      }
    },
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      waiting = [];
    },
  };
  return receiver;
};

/** An event as one readable line. */
export const line = (event: LineageEvent): string =>
  'dataset' in event
    ? `dataset ${event.dataset.name}`
    : 'run' in event
      ? `${event.eventType} ${event.job.name}`
      : `job ${event.job.name}`;
