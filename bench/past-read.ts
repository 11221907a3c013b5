/**
 * Past reads: one entity, ten windowed features, at random times, as they were known then, so that
 * tiles cannot answer. 20,000 entities, a few of which have most events, over 90 days; the history
 * is maintained once before. Also explanations, one scan of all events by time (what a replay
 * reads), and the size on disk.
 *
 *     npm run bench past-read [EVENTS] [READS]
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  avg,
  col,
  count,
  entity,
  featureView,
  max,
  min,
  source,
  sum,
} from '#domain/definitions/index.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import type { EmbeddedParts } from '#infra/profiles/embedded.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { historyReader } from '#infra/shared/iceberg/reader.ts';
import { caller, startBenchPlatform } from './support/platform.ts';
import { type Figure, percentile, print } from './support/report.ts';

const EVENTS = Number(process.argv[2] ?? 3_000_000);
const READS = Number(process.argv[3] ?? 500);
const DAYS = 90;
const ENTITIES = 20_000;
const BATCH = 20_000;
const DAY = 86_400_000;
const END = Math.floor(Date.now() / DAY) * DAY - DAY;
const START = END - DAYS * DAY;

const user = entity({ name: 'user', keys: { user: 'string' } });
const orders = source({
  name: 'orders',
  fields: { t: 'timestamp', user: 'string', amount: 'double', items: 'long', shop: 'string' },
  eventTime: 't',
});
const spending = featureView({
  name: 'spending',
  entity: user,
  source: orders,
  features: {
    orders_1h: count({ window: '1h' }),
    amount_1h: sum(col('amount'), { window: '1h' }),
    orders_1d: count({ window: '1d' }),
    amount_avg_1d: avg(col('amount'), { window: '1d' }),
    amount_max_1d: max(col('amount'), { window: '1d' }),
    orders_7d: count({ window: '7d' }),
    amount_7d: sum(col('amount'), { window: '7d' }),
    items_7d: sum(col('items'), { window: '7d' }),
    amount_avg_30d: avg(col('amount'), { window: '30d' }),
    amount_min_30d: min(col('amount'), { window: '30d' }),
  },
});
const definitions = [user, orders, spending].map(
  (one) => JSON.parse(JSON.stringify(one)) as Definition,
);

let seed = 42;
const random = (): number => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
};
const name = (n: number): string => `user-${n.toString(36).padStart(4, '0')}`;

/** The platform's clock follows the events, so that the log knows each about when it happened. */
let now = START;
let parts: EmbeddedParts | null = null;
const bench = await startBenchPlatform(definitions, {
  now: () => now,
  keepLogMs: null,
  onParts: (opened) => {
    parts = opened;
  },
});
const { history } = parts as unknown as EmbeddedParts;
const { serving, publishing } = bench.platform;
for (let sent = 0; sent < EVENTS; sent += BATCH) {
  const events = Array.from({ length: Math.min(BATCH, EVENTS - sent) }, (_, i) => ({
    t: START + Math.floor(((sent + i) * DAYS * DAY) / EVENTS) - Math.floor(random() * 60_000),
    user: name(Math.floor(ENTITIES * random() ** 2.5)),
    amount: Math.round(random() * 10_000) / 100,
    items: 1 + Math.floor(random() * 9),
    shop: `shop-${Math.floor(random() * 40)}`,
  }));
  now = Math.max(now, events.at(-1)?.t ?? now) + 1;
  await publishing.publish({ source: 'orders', events }, caller);
}
await history.sync(rawTopic('orders'));
await history.maintain(rawTopic('orders'));
now = END + DAY;
await sleep(2000);

interface Measured {
  readonly ms: readonly number[];
  readonly cpuMs: number;
}

const measure = async (times: number, work: () => Promise<unknown>): Promise<Measured> => {
  const ms: number[] = [];
  const before = process.cpuUsage();
  for (let i = 0; i < times; i++) {
    const started = performance.now();
    await work();
    ms.push(performance.now() - started);
  }
  const { user: inUser, system } = process.cpuUsage(before);
  return { ms: ms.sort((a, b) => a - b), cpuMs: (inUser + system) / 1000 / times };
};

const features = Object.keys(spending.features).map((feature) => `spending:${feature}`);
const moment = (): number => START + Math.floor((31 + random() * (DAYS - 31)) * DAY);
const someone = (): string => name(Math.floor(random() * ENTITIES));
const read = (): Promise<unknown> => {
  const at = moment();
  return serving.read({ features, entities: [{ user: someone() }], at, known: at });
};
const explain = (): Promise<unknown> => {
  const at = moment();
  const entityKey = { user: someone() };
  return serving.explain({
    view: 'spending',
    feature: 'amount_avg_30d',
    entity: entityKey,
    at,
    known: at,
  });
};

const first = await measure(Math.min(100, READS), read);
const reads = await measure(READS, read);
const explanations = await measure(Math.min(100, READS), explain);

const tables = { files: localFiles(), uri: fileUri(join(bench.directory, 'history')) };
const reader = historyReader(tables, await openDuckDb({ threads: 2, memoryLimit: '256MB' }));
const snapshot = await reader.snapshot(rawTopic('orders'));
const files = (await reader.dataFiles(rawTopic('orders'))).length;
let rows = 0;
const scan = await measure(3, async () => {
  rows = 0;
  const all = { source: 'orders', fields: ['user', 'amount', 'items'] };
  for await (const batch of reader.scanColumns(all)) rows += batch.count;
});
reader.close();
await bench.close();
if (rows !== EVENTS) throw new Error(`the history has ${rows} of ${EVENTS} events`);

const figure = (what: string, { ms, cpuMs }: Measured, p50: number, p99: number): Figure => {
  const [half, most] = [percentile(ms, 0.5), percentile(ms, 0.99)];
  return {
    what,
    ours: `p50 ${half.toFixed(1)} ms, p99 ${most.toFixed(1)} ms, CPU ${cpuMs.toFixed(1)} ms`,
    limit: '',
    goal: `p50 ${p50} ms, p99 ${p99} ms`,
    met: half <= p50 && most <= p99,
  };
};
const plain = (what: string, ours: string): Figure => ({
  what,
  ours,
  limit: '',
  goal: '',
  met: null,
});
print(
  `past reads: ${EVENTS.toLocaleString('en')} events over ${DAYS} days, ${ENTITIES.toLocaleString('en')} entities, ${files} files`,
  [
    plain(
      `the first ${first.ms.length} reads`,
      `p50 ${percentile(first.ms, 0.5).toFixed(1)} ms, p99 ${percentile(first.ms, 0.99).toFixed(1)} ms, CPU ${first.cpuMs.toFixed(1)} ms`,
    ),
    figure('1 entity × 10 windowed features', reads, 5, 25),
    plain(
      'explain one feature',
      `p50 ${percentile(explanations.ms, 0.5).toFixed(1)} ms, p99 ${percentile(explanations.ms, 0.99).toFixed(1)} ms`,
    ),
    plain(
      'scan of all by time, 3 columns',
      `${percentile(scan.ms, 0.5).toFixed(0)} ms, CPU ${scan.cpuMs.toFixed(0)} ms`,
    ),
    plain('history on disk', `${((snapshot?.bytes ?? 0) / EVENTS).toFixed(1)} bytes an event`),
  ],
);
