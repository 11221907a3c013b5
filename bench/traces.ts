/**
 * What traces cost: reads of one entity and publishes of ten events over HTTP, with traces off, on
 * for one request in a hundred, and on for every request, in turns over one platform for each mode.
 * CPU time per request, because a busy machine changes how many are answered and not what one
 * costs.
 *
 *   npm run bench traces [SECONDS] [ROUNDS]
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createHttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { openTracing } from '#infra/telemetry/tracing.ts';
import { flightBatches } from './support/flights.ts';
import { caller, startBenchPlatform } from './support/platform.ts';
import { load } from './support/read-load.ts';
import { percentile, print } from './support/report.ts';

const seconds = Number(process.argv[2] ?? 4);
const rounds = Number(process.argv[3] ?? 5);
const EVENTS = 20_000;

/** A collector that accepts everything and keeps nothing, in a process of its own. */
const COLLECTOR = `require('node:http').createServer((request, response) => request.resume().on('end', () => response.end()))
  .listen(0, '127.0.0.1', function () { console.log(this.address().port); })`;
const collector = spawn(process.execPath, ['-e', COLLECTOR], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
process.on('exit', () => collector.kill());
const [port] = (await once(collector.stdout, 'data')) as [Buffer];

const MODES = { off: null, 'one in 100': '0.01', all: '1' } as const;

const start = async (share: string | null) => {
  if (share !== null) {
    process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${String(port).trim()}`;
    process.env.OTEL_TRACES_SAMPLER = 'parentbased_traceidratio';
    process.env.OTEL_TRACES_SAMPLER_ARG = share;
  }
  const tracing =
    share === null
      ? null
      : await openTracing({ version: 'bench', warn: (message) => console.error(message) });
  const bench = await startBenchPlatform(undefined, { tracing, historyEveryMs: 0 });
  let at = 0;
  for await (const batch of flightBatches(EVENTS, 5000)) {
    await bench.platform.publishing.publish({ source: 'flights', events: batch }, caller);
    at = (batch.at(-1)?.date ?? at) as number;
  }
  const gateway = await createHttpGateway({
    modules: httpModules(),
    platform: bench.platform,
    port: 0,
  });
  const views = await bench.platform.registry.list('feature-view');
  const features = views
    .flatMap(({ definition }) =>
      definition.kind === 'feature-view'
        ? Object.keys(definition.features).map((name) => `${definition.name}:${name}`)
        : [],
    )
    .slice(0, 10);
  const entities = [{ origin: 'ATL', destination: 'LAX' }];
  const event = { date: at, origin: 'ATL', destination: 'LAX', delay: 1, distance: 1946 };
  const work = {
    read: { url: `${gateway.url}/v1/features`, body: { features, entities, at } },
    publish: {
      url: `${gateway.url}/v1/sources/flights/events`,
      body: { events: Array.from({ length: 10 }, () => event) },
    },
  };
  const answers = async (): Promise<number> =>
    [
      ...(await bench.platform.operations.metrics()).matchAll(
        /^millrace_requests_total\{.*\} (\d+)$/gm,
      ),
    ].reduce((sum, [, n]) => sum + Number(n), 0);
  return {
    /** µs of CPU per request, of this process */
    async measure(what: keyof typeof work): Promise<number> {
      const { url, body } = work[what];
      const [before, answered] = [process.cpuUsage(), await answers()];
      const { errors } = await load({
        urls: [url],
        bodies: [JSON.stringify(body)],
        seconds,
        rate: 0,
        connections: 16,
      });
      const { user, system } = process.cpuUsage(before);
      if (errors > 0) throw new Error(`${errors} requests of ${what} failed`);
      return (user + system) / ((await answers()) - answered);
    },
    async close() {
      await gateway.close();
      await bench.close();
      await tracing?.close();
    },
  };
};

const running: Record<string, Awaited<ReturnType<typeof start>>> = {};
for (const [mode, share] of Object.entries(MODES)) running[mode] = await start(share);
const figures = [];
for (const what of ['read', 'publish'] as const) {
  const took = new Map<string, number[]>(Object.keys(MODES).map((mode) => [mode, []]));
  for (let round = -1; round < rounds; round++)
    for (const [mode, platform] of Object.entries(running)) {
      const micros = await platform.measure(what);
      if (round >= 0) took.get(mode)?.push(micros);
    }
  const median = (mode: string): number =>
    percentile(
      [...(took.get(mode) ?? [])].sort((a, b) => a - b),
      0.5,
    );
  const spread = (mode: string): string => {
    const all = took.get(mode) ?? [];
    return `${median(mode).toFixed(0)} µs (${Math.min(...all).toFixed(0)} to ${Math.max(...all).toFixed(0)})`;
  };
  for (const mode of Object.keys(MODES)) {
    const more = (median(mode) / median('off') - 1) * 100;
    const goal = mode === 'one in 100' ? 'under 5 % more' : '';
    figures.push({
      what: `${what}, traces ${mode}`,
      ours: spread(mode),
      limit: mode === 'off' ? '' : `${more >= 0 ? '+' : ''}${more.toFixed(1)} %`,
      goal,
      met: goal === '' ? null : more < 5,
    });
  }
}
for (const platform of Object.values(running)) await platform.close();
collector.kill();
print(`CPU a request, ${rounds} rounds of ${seconds} s each, medians`, figures);
