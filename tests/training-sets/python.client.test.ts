/** Data sets in Python: pyarrow reads streams and writes spines, and MLflow takes the snippet. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { avg, col, count, entity, featureView, last, lastK, source } from 'millrace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatasetManifest } from '#domain/datasets/manifest.ts';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { runInProcess } from '#tests/support/cli.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';
import { pythonWithMlflow } from '#tests/support/venv.ts';
import { type Workplace, workplace } from './files.ts';

const T = Date.UTC(2026, 0, 1);
const SCRIPT = join(import.meta.dirname, 'data_sets.py');

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: {
    shop: 'string',
    at: 'timestamp',
    price: 'double?',
    n: 'long?',
    raw: 'bytes?',
    day: 'date?',
    item: 'string?',
  },
  eventTime: 'at',
});
const view = featureView({
  name: 'of_shop',
  entity: shop,
  source: sales,
  features: {
    sold: count({ window: '1h', hop: '1h' }),
    price: avg(col('price'), { window: '1h', hop: '1h' }),
    n: last(col('n')),
    at_last: last(col('at')),
    day: last(col('day')),
    raw: last(col('raw')),
    items: lastK(col('item'), 2),
  },
});

let work: Workplace;
let on: TestPlatform;
let gateway: HttpGateway;
let python: string;

beforeAll(async () => {
  python = pythonWithMlflow();
  work = await workplace();
  on = await testPlatform();
  await on.platform.registry.apply(plain(shop, sales, view), {}, caller);
  const events = Array.from({ length: 50 }, (_, i) => ({
    shop: `shop ${i % 4}`,
    at: T + i * 1000,
    price: i % 3 === 0 ? null : i / 7,
    n: i % 5 === 0 ? null : 2 ** 53 - 1 - i,
    raw: i % 2 === 0 ? null : 'AAH/',
    day: i % 2 === 0 ? '1969-12-31' : null,
    item: `item ${i}`,
  }));
  await on.platform.publishing.publish({ source: 'sales', events }, caller);
  gateway = await createHttpGateway({ modules: httpModules(), platform: on.platform, port: 0 });
  await millrace(
    'dataset',
    'of_shop',
    '--from',
    '2026-01-01T00:00:00Z',
    '--to',
    '2026-01-01T00:01:00Z',
    '--every',
    '10ms',
    '--with-status',
    '--name',
    'for_python',
    '--out',
    work.path('for_python.parquet'),
  );
}, 600_000);
afterAll(async () => {
  await gateway?.close();
  await on?.dispose();
  work?.close();
});

const millrace = async (...args: string[]): Promise<string> => {
  const ran = await runInProcess(args, { MILLRACE_URL: gateway.url });
  expect(ran, ran.err).toMatchObject({ status: 0 });
  return ran.out;
};
const script = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)(python, [SCRIPT, ...args], { cwd: work.directory })).stdout;

test('pyarrow reads from the stream what the Parquet file has', async () => {
  const url = `${gateway.url}/v1/datasets/for_python/data`;
  expect(JSON.parse(await script('compare', url, work.path('for_python.parquet')))).toEqual({
    rows: 24_000,
    same: true,
    types: {
      shop: 'string',
      event_timestamp: 'timestamp[us, tz=UTC]',
      sold: 'int64',
      price: 'double',
      n: 'int64',
      at_last: 'timestamp[us, tz=UTC]',
      day: 'date32[day]',
      raw: 'binary',
      items: 'list<item: string>',
    },
  });
}, 300_000);

test.each(['file', 'stream', 'pandas'])('a spine that pyarrow wrote: %s', async (kind) => {
  const spine = work.path(`${kind}.arrow`);
  await script('spine', kind, spine);
  const out = work.path(`${kind}.parquet`);
  await millrace('dataset', 'of_shop', '--spine', spine, '--out', out);
  expect(JSON.parse(await script('kept', spine, out))).toEqual({ same: true, sold: [2, 13, null] });
});

test('MLflow logs the data set with its source, its digest and a tag', async () => {
  const { content } = JSON.parse(
    await millrace('dataset', 'show', 'for_python', '--json'),
  ) as DatasetManifest;
  const snippet = work.path('snippet.py');
  writeFileSync(snippet, await millrace('dataset', 'show', 'for_python', '--mlflow'));
  const logged = JSON.parse(await script('mlflow', snippet)) as object;
  expect(logged).toEqual({
    tag: 'for_python@1',
    name: 'for_python@1',
    digest: content?.sha256.slice(0, 32),
    source: { url: `${gateway.url}/v1/datasets/for_python@1/data` },
    source_type: 'http',
    context: 'training',
  });
}, 300_000);
