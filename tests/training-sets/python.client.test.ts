/** Data sets in Python: pyarrow reads streams and writes spines, and MLflow takes the snippet. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { avg, col } from 'millrace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatasetManifest } from '#domain/datasets/manifest.ts';
import { pythonWithMlflow } from '#tests/support/venv.ts';
import type { Workplace } from './files.ts';
import { type SalesServer, salesServer } from './sales.ts';

const T = Date.UTC(2026, 0, 1);
const SCRIPT = join(import.meta.dirname, 'data_sets.py');

let server: SalesServer;
let work: Workplace;
let python: string;

beforeAll(async () => {
  python = pythonWithMlflow();
  const events = Array.from({ length: 50 }, (_, i) => ({
    shop: `shop ${i % 4}`,
    at: T + i * 1000,
    price: i % 3 === 0 ? null : i / 7,
    n: i % 5 === 0 ? null : 2 ** 53 - 1 - i,
    raw: i % 2 === 0 ? null : 'AAH/',
    day: i % 2 === 0 ? '1969-12-31' : null,
    item: `item ${i}`,
  }));
  server = await salesServer(events, {
    price: avg(col('price'), { window: '1h', hop: '1h' }),
  });
  ({ work } = server);
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
afterAll(() => server?.close());

const millrace = async (...args: string[]): Promise<string> => {
  const ran = await server.run(...args);
  expect(ran, ran.err).toMatchObject({ status: 0 });
  return ran.out;
};
const script = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)(python, [SCRIPT, ...args], { cwd: work.directory })).stdout;

test('pyarrow reads from the stream what the Parquet file has', async () => {
  const url = `${server.url}/v1/datasets/for_python/data`;
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
    source: { url: `${server.url}/v1/datasets/for_python@1/data` },
    source_type: 'http',
    context: 'training',
  });
}, 300_000);
