/**
 * Online reads over HTTP: one entity, ten windowed features, 64 connections. The limit is a bare
 * Fastify route that answers the same validated POST with a constant of the same size. The load
 * comes from a process of its own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import Fastify from 'fastify';
import { createHttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { flightBatches } from './support/flights.ts';
import { caller, startBenchPlatform } from './support/platform.ts';
import { type Load, readLoad } from './support/read-load.ts';
import { print } from './support/report.ts';

const events = Number(process.argv[2] ?? 300_000);
const seconds = Number(process.argv[3] ?? 8);

const load = (url: string, body: string): Promise<Load> => readLoad(url, body, seconds);

const bench = await startBenchPlatform();
let at = 0;
for await (const batch of flightBatches(events, 5000)) {
  await bench.platform.publishing.publish({ source: 'flights', events: batch }, caller);
  at = (batch.at(-1)?.date ?? at) as number;
}
// The history is still writing the published events; only reads are measured here.
for (;;) {
  const { sources } = await bench.platform.operations.status();
  if (sources.every((source) => source.historyPosition === source.position)) break;
  await sleep(250);
}
await sleep(5000);
const views = await bench.platform.registry.list('feature-view');
const features = views.flatMap((view) => {
  const definition = view.definition;
  if (definition.kind !== 'feature-view') return [];
  return Object.entries(definition.features).flatMap(([name, feature]) =>
    feature.window === undefined ? [] : [`${view.name}:${name}`],
  );
});
const request = {
  features: features.slice(0, 10),
  entities: [{ origin: 'ATL', destination: 'LAX' }],
  at,
};
const body = JSON.stringify(request);
const gateway = await createHttpGateway({
  modules: httpModules(),
  platform: bench.platform,
  host: '127.0.0.1',
  port: 0,
});
const answer = await (
  await fetch(`${gateway.url}/v1/features`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
).text();
console.log(answer);

const bare = Fastify();
const schema = {
  body: {
    type: 'object',
    required: ['entities'],
    properties: {
      features: { type: 'array', items: { type: 'string' } },
      entities: { type: 'array', items: { type: 'object', additionalProperties: true } },
      at: { type: 'number' },
    },
  },
};
bare.post('/v1/features', { schema }, async (_request, reply) => {
  reply.header('content-type', 'application/json; charset=utf-8');
  return answer;
});
const bareUrl = await bare.listen({ port: 0, host: '127.0.0.1' });

const rounds: { ours: Load; bare: Load }[] = [];
for (let round = 0; round < 2; round++)
  rounds.push({ bare: await load(bareUrl, body), ours: await load(gateway.url, body) });
await bare.close();
await gateway.close();
await bench.close();

const { ours, bare: limit } = rounds.at(-1) as { ours: Load; bare: Load };
const share = ours.requests / limit.requests;
print(
  `online read, 1 entity × ${request.features.length} windowed features, 64 connections, answer of ${answer.length} bytes`,
  [
    {
      what: 'requests a second',
      ours: Math.round(ours.requests).toLocaleString('en'),
      limit: Math.round(limit.requests).toLocaleString('en'),
      goal: 'half of bare Fastify',
      met: share >= 0.5,
    },
    {
      what: 'share of the limit',
      ours: `${(share * 100).toFixed(0)} %`,
      limit: '100 %',
      goal: '50 %',
      met: share >= 0.5,
    },
    {
      what: 'p50, ms',
      ours: ours.p50.toFixed(1),
      limit: limit.p50.toFixed(1),
      goal: '',
      met: null,
    },
    {
      what: 'p99, ms',
      ours: ours.p99.toFixed(1),
      limit: limit.p99.toFixed(1),
      goal: 'under 10',
      met: ours.p99 < 10,
    },
    {
      what: 'errors',
      ours: String(ours.errors),
      limit: String(limit.errors),
      goal: '0',
      met: ours.errors === 0,
    },
  ],
);
