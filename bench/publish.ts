/**
 * Publishing flights until they are durable and computed: in one process from a file, and over HTTP
 * in batches of 500. Limits: the same events encoded and appended to the log without a view, and
 * Fastify parsing the same bodies and doing nothing else.
 */

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import Fastify from 'fastify';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import { createHttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import type { EmbeddedParts } from '#infra/profiles/embedded.ts';
import { flightBatches } from './support/flights.ts';
import { caller, exampleDefinitions, startBenchPlatform } from './support/platform.ts';
import { type Figure, print, rate } from './support/report.ts';

const events = Number(process.argv[2] ?? 1_000_000);
const batchSize = Number(process.argv[3] ?? 20_000);
const httpEvents = Math.min(events, 300_000);
const sources = exampleDefinitions().filter((definition) => definition.kind === 'source');

interface Published {
  readonly seconds: number;
  readonly rss: number;
  /** bytes on disk, by event: of the database, and of the history when it has all events */
  readonly logBytes: number;
  readonly historyBytes: number;
}

const fromFile = async (withViews: boolean): Promise<Published> => {
  let history: EmbeddedParts['history'] | null = null;
  const bench = await startBenchPlatform(withViews ? undefined : sources, {
    onParts: (parts) => {
      history = parts.history;
    },
  });
  const started = performance.now();
  let accepted = 0;
  let pending: Promise<unknown> = Promise.resolve();
  for await (const batch of flightBatches(events, batchSize)) {
    await pending;
    pending = bench.platform.publishing
      .publish({ source: 'flights', events: batch }, caller)
      .then((result) => {
        accepted += result.accepted;
      });
  }
  await pending;
  const seconds = (performance.now() - started) / 1000;
  if (accepted !== events) throw new Error(`${accepted} of ${events} events were accepted`);
  const rss = process.memoryUsage.rss();
  const { sources: published, views } = await bench.platform.operations.status();
  for (const { source } of published) await sync(history, rawTopic(source));
  for (const { view } of views) await sync(history, featuresTopic(view));
  const { storage } = await bench.platform.operations.status();
  await bench.close();
  return {
    seconds,
    rss,
    logBytes: ((storage?.logBytes ?? 0) - (storage?.logFreeBytes ?? 0)) / events,
    historyBytes: (storage?.historyBytes ?? 0) / events,
  };
};

const sync = async (history: EmbeddedParts['history'] | null, topic: string): Promise<void> =>
  history?.sync(topic);

/** The client is a process of its own, so that its work is not measured as the server's. */
const overHttp = (url: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./support/publish-client.ts', import.meta.url)), [
      url,
      String(httpEvents),
    ]);
    child.on('message', (seconds) => resolve(Number(seconds)));
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? undefined : reject(new Error(`the client ended with ${code}`)),
    );
  });

const logOnly = await fromFile(false);
const whole = await fromFile(true);

const bare = Fastify({ bodyLimit: 16 * 1024 * 1024 });
bare.post('/v1/sources/flights/events', async (request, reply) => {
  reply.code(202);
  return { accepted: (request.body as { events: unknown[] }).events.length };
});
const bareUrl = await bare.listen({ port: 0, host: '127.0.0.1' });
const bareSeconds = await overHttp(bareUrl);
await bare.close();

const bench = await startBenchPlatform();
const gateway = await createHttpGateway({
  modules: httpModules(),
  platform: bench.platform,
  host: '127.0.0.1',
  port: 0,
});
const httpSeconds = await overHttp(gateway.url);
await gateway.close();
await bench.close();

const fileRate = events / whole.seconds;
const httpRate = httpEvents / httpSeconds;
const figures: Figure[] = [
  {
    what: `${events} events from a file, one process`,
    ours: rate(events, whole.seconds),
    limit: `log only ${rate(events, logOnly.seconds)}`,
    goal: '100,000/s',
    met: fileRate >= 100_000,
  },
  {
    what: 'over HTTP, batches of 500, 4 in flight',
    ours: rate(httpEvents, httpSeconds),
    limit: `bare Fastify ${rate(httpEvents, bareSeconds)}`,
    goal: '30,000/s',
    met: httpRate >= 30_000,
  },
  {
    what: 'memory after the file',
    ours: `${Math.round(whole.rss / 2 ** 20)} MiB`,
    limit: `log only ${Math.round(logOnly.rss / 2 ** 20)} MiB`,
    goal: '1024 MiB at 3,000,000',
    met: whole.rss < 2 ** 30,
  },
  {
    what: 'bytes per event in the log, until it is trimmed',
    ours: `${Math.round(whole.logBytes)} B`,
    limit: `without views ${Math.round(logOnly.logBytes)} B`,
    goal: '',
    met: null,
  },
  {
    what: 'bytes per event in the history',
    ours: `${Math.round(whole.historyBytes)} B`,
    limit: `without views ${Math.round(logOnly.historyBytes)} B`,
    goal: '',
    met: null,
  },
];
print('publish', figures);
