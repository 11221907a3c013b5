/**
 * Statuses in files, as users request them: on the command line and over HTTP, CSV and Parquet, a
 * training set and a batch.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { col, count, entity, featureView, last, source } from 'millrace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { runInProcess } from '#tests/support/cli.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';
import { call } from '#tests/support/server.ts';
import { type Workplace, workplace } from './files.ts';

const HOUR = 3_600_000;
const T = Date.UTC(2026, 0, 1);
const time = (hours: number): string => new Date(T + hours * HOUR).toISOString();

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { shop: 'string', at: 'timestamp', price: 'double?' },
  eventTime: 'at',
});
const turnover = featureView({
  name: 'turnover',
  entity: shop,
  source: sales,
  ttl: '1d',
  features: { sold: count({ window: '1h', hop: '1h' }), price: last(col('price')) },
});

let work: Workplace;
let on: TestPlatform;
let gateway: HttpGateway;
const url = (): string => gateway.url;

beforeAll(async () => {
  work = await workplace();
  on = await testPlatform();
  await on.platform.registry.apply(plain(shop, sales, turnover), {}, caller);
  const events = [
    { shop: 'a', at: time(0), price: 2.5 },
    { shop: 'b', at: time(1), price: null },
  ];
  await on.platform.publishing.publish({ source: 'sales', events }, caller);
  gateway = await createHttpGateway({ modules: httpModules(), platform: on.platform, port: 0 });
});
afterAll(async () => {
  await gateway.close();
  await on.dispose();
  work.close();
});

const HEADER = 'label,shop,event_timestamp';
/** in no order of time */
const SPINE = [
  `1,b,${time(1)}`,
  `0,a,${time(30)}`,
  `1,a,${time(0)}`,
  `0,a,${time(-1)}`,
  `0,nowhere,${time(1)}`,
];
const RESULTS = [
  [1, 'present', null, 'null'],
  [null, 'expired', null, 'expired'],
  [1, 'present', 2.5, 'present'],
  [0, 'not-found', null, 'not-found'],
  [0, 'not-found', null, 'not-found'],
];
const RESULT_COLUMNS = 'sold,sold__status,price,price__status';

const CSV = [
  `${HEADER},${RESULT_COLUMNS}`,
  ...SPINE.map((line, i) => `${line},${RESULTS[i]?.map((cell) => cell ?? '').join(',')}`),
  '',
].join('\n');

const csvSpine = async (): Promise<string> => {
  const selects = SPINE.map((line) => {
    const [label, name, at] = line.split(',');
    return `SELECT ${label} AS label, '${name}' AS shop, '${at}' AS event_timestamp`;
  });
  return work.write('spine.csv', selects.join(' UNION ALL '));
};

const resultsOf = (file: string): Promise<readonly (readonly unknown[])[]> =>
  work.query(`SELECT sold::INTEGER, sold__status, price, price__status FROM '${file}'`);

test('a training set has them on request: millrace dataset --with-status', async () => {
  const spine = await csvSpine();
  const run = (out: string, ...more: string[]) =>
    runInProcess(['dataset', 'turnover', '--spine', spine, '--out', out, ...more], {
      MILLRACE_URL: url(),
    });
  const [csv, parquet, plainCsv] = ['set.csv', 'set.parquet', 'plain.csv'].map(work.path) as [
    string,
    string,
    string,
  ];
  expect((await run(csv, '--with-status')).out).toContain('5 rows with 2 features');
  expect(readFileSync(csv, 'utf8')).toBe(CSV);
  expect(await run(parquet, '--with-status')).toMatchObject({ status: 0 });
  expect(await resultsOf(parquet)).toEqual(RESULTS);
  expect(await run(plainCsv)).toMatchObject({ status: 0 });
  expect(readFileSync(plainCsv, 'utf8').split('\n')[0]).toBe(`${HEADER},sold,price`);
});

test('over HTTP: withStatus', async () => {
  const rows = SPINE.map((line) => {
    const [label, name, at] = line.split(',');
    return { label: Number(label), shop: name, event_timestamp: at };
  });
  const body = { view: 'turnover', spine: { rows }, withStatus: true };
  const started = await call(url(), '/v1/datasets', { body });
  const { id } = started.body as { readonly id: string };
  for (let state = 'running'; state === 'running'; await sleep(5))
    ({ state } = (await call(url(), `/v1/datasets/${id}`)).body as { readonly state: string });
  const { features, out } = (await call(url(), `/v1/datasets/${id}`)).body as {
    readonly features: readonly string[];
    readonly out: string;
  };
  expect(features).toEqual(['sold', 'price']);
  expect(await resultsOf(out)).toEqual(RESULTS);
});

test('a batch has them on request', async () => {
  const out = work.path('batch.csv');
  const args = ['batch', 'turnover', '--out', out, '--at', time(1), '--with-status'];
  expect(await runInProcess(args, { MILLRACE_URL: url() })).toMatchObject({ status: 0 });
  const [header, ...lines] = readFileSync(out, 'utf8').trimEnd().split('\n');
  expect(header).toBe(`shop,event_timestamp,${RESULT_COLUMNS}`);
  expect(lines.toSorted()).toEqual([
    expect.stringMatching(/^a,.*,1,present,2\.5,present$/),
    expect.stringMatching(/^b,.*,1,present,,null$/),
  ]);
});
