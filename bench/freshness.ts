/**
 * The time from a raw event accepted over HTTP to an online read that includes it, at 1,000 events
 * a second. The clock starts when the producer gets its answer, and stops at the first answer that
 * counts the event. The limit is a read of the same server that waits for nothing.
 */

import { createHttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { startBenchPlatform } from './support/platform.ts';
import { percentile, print } from './support/report.ts';

const seconds = Number(process.argv[2] ?? 15);
const perSecond = 1000;
const bench = await startBenchPlatform();
const gateway = await createHttpGateway({
  modules: httpModules(),
  platform: bench.platform,
  host: '127.0.0.1',
  port: 0,
});
const post = async (path: string, body: unknown): Promise<unknown> => {
  const response = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return response.json();
};
const flight = (origin: string) => ({
  date: Date.now(),
  origin,
  destination: 'LAX',
  delay: 7,
  distance: 500,
});
const view = (await bench.platform.registry.list('feature-view')).find(
  (v) => v.name === 'airport_delays',
);
const counter = Object.entries(
  view?.definition.kind === 'feature-view' ? view.definition.features : {},
).find(([, f]) => f.aggregation === 'count')?.[0] as string;

const latencies: number[] = [];
const plain: number[] = [];
let sent = 0;
const inFlight = new Set<Promise<unknown>>();
const started = performance.now();
const background = setInterval(() => {
  const due = Math.floor(((performance.now() - started) / 1000) * perSecond) - sent;
  if (due <= 0) return;
  sent += due;
  const request = post('/v1/sources/flights/events', {
    events: Array.from({ length: due }, (_, i) => flight(`B${i % 200}`)),
  });
  inFlight.add(request);
  void request.then(() => inFlight.delete(request));
}, 10);

for (let probe = 0; performance.now() - started < seconds * 1000; probe++) {
  const origin = `P${probe}`;
  await post('/v1/sources/flights/events', { events: [flight(origin)] });
  const answered = performance.now();
  for (;;) {
    const asked = performance.now();
    const read = (await post('/v1/features', {
      features: [`airport_delays:${counter}`],
      entities: [{ origin }],
    })) as {
      rows: Record<string, number>[];
    };
    plain.push(performance.now() - asked);
    if ((read.rows[0]?.[counter] ?? 0) > 0) break;
  }
  latencies.push(performance.now() - answered);
}
clearInterval(background);
await Promise.all(inFlight);
await gateway.close();
await bench.close();
latencies.sort((a, b) => a - b);
plain.sort((a, b) => a - b);
const p99 = percentile(latencies, 0.99);
print(
  `raw event accepted → seen by an online read, ${perSecond} events/s beside, ${latencies.length} probes`,
  [
    {
      what: 'p50, ms',
      ours: percentile(latencies, 0.5).toFixed(2),
      limit: `one read ${percentile(plain, 0.5).toFixed(2)}`,
      goal: '',
      met: null,
    },
    {
      what: 'p99, ms',
      ours: p99.toFixed(2),
      limit: `one read ${percentile(plain, 0.99).toFixed(2)}`,
      goal: 'under 20',
      met: p99 < 20,
    },
    {
      what: 'worst, ms',
      ours: (latencies.at(-1) ?? 0).toFixed(2),
      limit: `one read ${(plain.at(-1) ?? 0).toFixed(2)}`,
      goal: '',
      met: null,
    },
  ],
);
