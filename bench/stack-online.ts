/**
 * The stack profile's online path, on a stack of its own on this machine. The time from producing a
 * raw event to reading it through the gateway, from Redis and from Paimon, at 1,000 events a
 * second. Reads of 1 entity × 10 windowed features at 64 connections from Redis, and a bare Fastify
 * route that does one `ioredis` GET of the same block. Lookups from Paimon.
 *
 *   npm run bench stack-online [SECONDS]
 */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Fastify from 'fastify';
import { Redis } from 'ioredis';
import type { Platform } from '#domain/api/platform.ts';
import { avg, col, count, featureView, max, sum } from '#domain/definitions/index.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { createHttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { startStack } from '#infra/profiles/stack.ts';
import { clickOf, clicks, user } from './support/clicks.ts';
import { ownStack } from './support/own-stack.ts';
import { type Load, readLoad } from './support/read-load.ts';
import { percentile, print } from './support/report.ts';

const seconds = Number(process.argv[2] ?? 30);
/**
 * Virtual machines compile code that runs often, so a server's first minutes are not those that its
 * users see.
 */
const WARM_SECONDS = 150;
const PER_SECOND = 1_000;
const ENTITIES = 2_000;
/**
 * A producer's batch, and the interval of the reader: the measurement is no finer than the
 * interval.
 */
const BATCH_MS = 50;
const POLL_MS = 10;
const caller = { actor: 'bench' };

const spending = featureView({
  name: 'spending',
  entity: user,
  source: clicks,
  features: {
    clicks_1h: count({ window: '1h' }),
    clicks_1d: count({ window: '1d', hop: '1h' }),
    sum_1h: sum(col('amount'), { window: '1h' }),
    sum_1d: sum(col('amount'), { window: '1d', hop: '1h' }),
    avg_1h: avg(col('amount'), { window: '1h' }),
    avg_1d: avg(col('amount'), { window: '1d', hop: '1h' }),
    max_1h: max(col('amount'), { window: '1h' }),
    max_1d: max(col('amount'), { window: '1d', hop: '1h' }),
    clicks_7d: count({ window: '7d', hop: '1h' }),
    sum_7d: sum(col('amount'), { window: '7d', hop: '1h' }),
  },
});
const features = Object.keys(spending.features).map((name) => `spending:${name}`);

const { stack, directory, remove } = ownStack('stack', 27_420);

const load = (url: string, body: string, rate = 0): Promise<Load> =>
  readLoad(url, body, seconds, rate);
/** The rate of the goal for lookups: at saturation a latency is that of the queue. */
const PAIMON_RATE = 2_000;
const TEN = 10;

/**
 * of the probe's events in total: a reader that is behind must not be taken for one that is ahead
 */
let probes = 0;

/** From the producer's call to the first read that counts the event, ms. */
const freshness = async (
  writer: Platform,
  reader: Platform,
  lasting = seconds,
): Promise<number[]> => {
  const found: number[] = [];
  let sent = 0;
  const started = performance.now();
  const under = new Set<Promise<unknown>>();
  const background = setInterval(() => {
    const due = Math.floor(((performance.now() - started) / 1000) * PER_SECOND) - sent;
    if (due <= 0) return;
    sent += due;
    const events = Array.from({ length: due }, (_, i) => clickOf(`u${(sent + i) % ENTITIES}`));
    const request = writer.publishing.publish({ source: 'clicks', events }, caller);
    under.add(request);
    void request.finally(() => under.delete(request));
  }, BATCH_MS);
  const probe = { features: ['spending:clicks_1h'], entities: [{ user: 'probe' }] };
  while (performance.now() - started < lasting * 1000) {
    const begun = performance.now();
    await writer.publishing.publish({ source: 'clicks', events: [clickOf('probe')] }, caller);
    const known = ++probes;
    for (;;) {
      const seen = Number((await reader.serving.read(probe)).values[0]?.[0] ?? 0);
      if (seen >= known) break;
      await sleep(POLL_MS);
    }
    found.push(performance.now() - begun);
  }
  clearInterval(background);
  await Promise.all(under);
  return found.sort((a, b) => a - b);
};

try {
  await stack.up();
  const warn = (message: string): void => console.error(message);
  const open = (cache: boolean): Promise<Platform> =>
    startStack({
      addresses: stack.addresses,
      dataDirectory: join(directory, cache ? 'cache' : 'durable'),
      warn,
      cache,
    });
  const platform = await open(true);
  await platform.registry.apply(
    JSON.parse(JSON.stringify([user, clicks, spending])) as Definition[],
    {},
    caller,
  );
  const durable = await open(false);
  // Every entity exists.
  for (let i = 0; i < ENTITIES; i += 500)
    await platform.publishing.publish(
      { source: 'clicks', events: Array.from({ length: 500 }, (_, n) => clickOf(`u${i + n}`)) },
      caller,
    );
  await freshness(platform, platform, WARM_SECONDS);
  await freshness(platform, durable, 10);
  const fromRedis = await freshness(platform, platform);
  const fromPaimon = await freshness(platform, durable);
  print(
    `raw event produced → read, ${PER_SECOND} events/s beside, ${fromRedis.length} and ${fromPaimon.length} probes`,
    [
      {
        what: 'Redis p50, ms',
        ours: percentile(fromRedis, 0.5).toFixed(0),
        limit: '',
        goal: '',
        met: null,
      },
      {
        what: 'Redis p99, ms',
        ours: percentile(fromRedis, 0.99).toFixed(0),
        limit: '',
        goal: 'under 250',
        met: percentile(fromRedis, 0.99) < 250,
      },
      {
        what: 'Paimon p50, ms',
        ours: percentile(fromPaimon, 0.5).toFixed(0),
        limit: '',
        goal: '',
        met: null,
      },
      {
        what: 'Paimon p99, ms',
        ours: percentile(fromPaimon, 0.99).toFixed(0),
        limit: '',
        goal: 'under 3000',
        met: percentile(fromPaimon, 0.99) < 3_000,
      },
    ],
  );

  await sleep(5_000);
  const body = JSON.stringify({ features, entities: [{ user: 'u7' }] });
  const gateway = await createHttpGateway({
    modules: httpModules(),
    platform,
    host: '127.0.0.1',
    port: 0,
  });
  const second = await createHttpGateway({
    modules: httpModules(),
    platform: durable,
    host: '127.0.0.1',
    port: 0,
  });
  const headers = { 'content-type': 'application/json' };
  const answer = await (
    await fetch(`${gateway.url}/v1/features`, { method: 'POST', headers, body })
  ).text();
  const redis = new Redis({ ...stack.addresses.redis, enableAutoPipelining: true });
  const [key = ''] = await redis.keys('mr:*:{spending#1}:e:u7');
  const block = (await redis.getBuffer(key)) as Buffer;
  const bare = Fastify();
  bare.post(
    '/v1/features',
    {
      schema: {
        body: {
          type: 'object',
          properties: { features: { type: 'array' }, entities: { type: 'array' } },
        },
      },
    },
    async (_request, reply) => {
      await redis.getBuffer(key);
      reply.header('content-type', 'application/json; charset=utf-8');
      return answer;
    },
  );
  const bareUrl = await bare.listen({ port: 0, host: '127.0.0.1' });
  const tens = JSON.stringify({
    features,
    entities: Array.from({ length: TEN }, (_, i) => ({ user: `u${i}` })),
  });
  const rounds: Record<'bare' | 'ours' | 'paimon' | 'paced' | 'byTens', Load>[] = [];
  for (let round = 0; round < 2; round++)
    rounds.push({
      bare: await load(bareUrl, body),
      ours: await load(gateway.url, body),
      paimon: await load(second.url, body),
      paced: await load(second.url, body, PAIMON_RATE),
      byTens: await load(second.url, tens, PAIMON_RATE / TEN),
    });
  const { ours, bare: limit, paimon, paced, byTens } = rounds.at(-1) as (typeof rounds)[number];
  const share = ours.requests / limit.requests;
  print(
    `online read, 1 entity × ${features.length} windowed features, 64 connections, block of ${block.length} bytes, answer of ${answer.length}`,
    [
      {
        what: 'Redis, requests/s',
        ours: Math.round(ours.requests).toLocaleString('en'),
        limit: Math.round(limit.requests).toLocaleString('en'),
        goal: '60 % of Fastify + GET',
        met: share >= 0.6,
      },
      {
        what: 'share',
        ours: `${(share * 100).toFixed(0)} %`,
        limit: '100 %',
        goal: '60 %',
        met: share >= 0.6,
      },
      {
        what: 'Redis p99, ms',
        ours: ours.p99.toFixed(1),
        limit: limit.p99.toFixed(1),
        goal: '',
        met: null,
      },
      {
        what: 'Paimon, keys/s',
        ours: Math.round(paimon.requests).toLocaleString('en'),
        limit: '',
        goal: '2,000',
        met: paimon.requests >= 2_000,
      },
      {
        what: `Paimon p99 at ${PAIMON_RATE} keys/s, ${TEN} a request, ms`,
        ours: byTens.p99.toFixed(1),
        limit: '',
        goal: 'under 10',
        met: byTens.p99 < 10,
      },
      {
        what: `Paimon p99 at ${PAIMON_RATE} keys/s, one a request, ms`,
        ours: paced.p99.toFixed(1),
        limit: '',
        goal: 'under 10',
        met: paced.p99 < 10,
      },
      {
        what: 'errors',
        ours: String(ours.errors + paimon.errors + paced.errors),
        limit: String(limit.errors),
        goal: '0',
        met: ours.errors + paimon.errors + paced.errors === 0,
      },
    ],
  );
  redis.disconnect();
  await bare.close();
  await gateway.close();
  await second.close();
  await durable.close();
  await platform.close();
} finally {
  await remove();
}
process.exit(0);
