/**
 * Named data sets, as users request them: what a name keeps, the same bytes again after a restart,
 * later events, compaction and new definitions, and the errors where that is not possible.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { avg, col, count, entity, featureService, featureView, last, source } from 'millrace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatasetStatus } from '#domain/api/datasets.ts';
import type { LineageGraph } from '#domain/api/registry.ts';
import type { DatasetDiff } from '#domain/datasets/diff.ts';
import type { DatasetManifest } from '#domain/datasets/manifest.ts';
import type { RowDiff } from '#domain/datasets/row-diff.ts';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import type { EmbeddedParts } from '#infra/profiles/embedded.ts';
import { runInProcess } from '#tests/support/cli.ts';
import {
  caller,
  finished,
  plain,
  replayFilled,
  type TestPlatform,
  testPlatform,
} from '#tests/support/platform.ts';
import { type Workplace, workplace } from './files.ts';

const HOUR = 3_600_000;
const T = Date.UTC(2026, 0, 1);
const time = (hours: number): string => new Date(T + hours * HOUR).toISOString();

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { shop: 'string', at: 'timestamp', price: 'double?', item: 'string?' },
  eventTime: 'at',
});
const turnover = (window: '1h' | '2h') =>
  featureView({
    name: 'turnover',
    entity: shop,
    source: sales,
    features: {
      sold: count({ window, hop: '1h' }),
      price: avg(col('price'), { window: '1d', hop: '1h' }),
      item: last(col('item')),
    },
  });
const model = featureService({ name: 'model', features: [turnover('1h')] });

let work: Workplace;
let on: TestPlatform;
let gateway: HttpGateway;
let history: EmbeddedParts['history'];
let files = 0;

const open = async (): Promise<void> => {
  gateway = await createHttpGateway({ modules: httpModules(), platform: on.platform, port: 0 });
};
const run = (...args: string[]) => runInProcess(args, { MILLRACE_URL: gateway.url });
const json = async <T>(...args: string[]): Promise<T> => {
  const { out, err } = await run('dataset', ...args, '--json');
  expect(err).not.toContain('error');
  return JSON.parse(out) as T;
};
const fresh = (extension = 'parquet'): string => work.path(`out-${++files}.${extension}`);

const publish = async (from: number, hours: number): Promise<void> => {
  const events = Array.from({ length: hours * 20 }, (_, i) => ({
    shop: `shop ${i % 7}`,
    at: time(from + i / 20),
    price: i % 5 === 0 ? null : 1 / (i + 3),
    item: i % 3 === 0 ? null : `item ${i % 11}`,
  }));
  await on.platform.publishing.publish({ source: 'sales', events }, caller);
};

const spineFile = (name: string, rows: number): string => {
  const lines = Array.from(
    { length: rows },
    (_, i) => `${i % 2},${((i * 37) % 100) / 7},shop ${i % 9},${time((i * 13) % 50)}`,
  );
  const file = work.path(name);
  writeFileSync(file, ['label,weight,shop,event_timestamp', ...lines, ''].join('\n'));
  return file;
};

beforeAll(async () => {
  work = await workplace();
  on = await testPlatform({
    onParts(parts) {
      history = parts.history;
    },
  });
  await on.platform.registry.apply(plain(shop, sales, turnover('1h'), model), {}, caller);
  await publish(0, 40);
  await open();
});
afterAll(async () => {
  await gateway.close();
  await on.dispose();
  work.close();
});

const make = async (spine: string, name: string, ...more: string[]): Promise<Buffer> => {
  const out = more.includes('--csv') ? fresh('csv') : fresh();
  const options = more.filter((one) => one !== '--csv');
  const made = await run(
    'dataset',
    'model',
    '--spine',
    spine,
    '--out',
    out,
    '--name',
    name,
    ...options,
  );
  expect(made, made.err).toMatchObject({ status: 0 });
  return readFileSync(out);
};
const rerun = async (reference: string, ...more: string[]): Promise<Buffer> => {
  const out = more.includes('--csv') ? fresh('csv') : fresh();
  const options = more.filter((one) => one !== '--csv');
  const made = await run('dataset', 'rerun', reference, '--out', out, ...options);
  expect(made, made.err).toMatchObject({ status: 0 });
  return readFileSync(out);
};

test('the manifest says what it was built from and what came out', async () => {
  const spine = spineFile('manifest.csv', 300);
  const bytes = await make(spine, 'first_v1', '--with-status');
  const manifest = await json<DatasetManifest>('show', 'first_v1');
  expect(manifest).toMatchObject({
    name: 'first_v1',
    version: 1,
    recipe: {
      target: { service: 'model', version: 1 },
      views: [{ view: 'turnover', version: 1, generation: 1 }],
      entities: { shop: 1 },
      sourceVersions: { sales: 1 },
      sources: { sales: { below: [800] } },
      mode: 'event-time',
      withStatus: true,
      spine: { kind: 'file', path: spine, bytes: readFileSync(spine).length },
      format: 'parquet',
      command: expect.stringMatching(
        /^millrace dataset model --spine .*manifest\.csv --with-status --known 2.*Z --name first_v1 --out first_v1\.parquet$/,
      ),
    },
    content: { rows: 300, bytes: bytes.length },
  });
  const column = (name: string) => manifest.content?.columns.find((one) => one.name === name);
  expect(column('sold')).toMatchObject({ type: 'BIGINT', nulls: 0, min: 0 });
  expect(column('event_timestamp')).toMatchObject({ min: time(0), max: time(49) });
  // No value of a key or of another column of the user can be read from it.
  expect(column('shop')).toEqual({
    name: 'shop',
    type: 'VARCHAR',
    nulls: 0,
    distinct: expect.closeTo(9, -0.5),
  });
  expect(Object.keys(column('weight') ?? {})).not.toContain('min');
  expect(JSON.stringify(manifest)).not.toContain('shop 1');
  expect((await run('dataset', 'show', 'first_v1')).out).toContain('first_v1@1');
  const graph = JSON.parse((await run('lineage', 'first_v1', '--json')).out) as LineageGraph;
  expect(graph.nodes).toEqual(
    expect.arrayContaining([
      {
        id: 'dataset/first_v1',
        kind: 'dataset',
        dataset: { version: 1, createdAt: manifest.at, rows: 300 },
      },
      { id: 'feature-service/model', kind: 'feature-service' },
      { id: 'source/sales', kind: 'source' },
    ]),
  );
  expect((await run('lineage', 'turnover')).out).toContain('first_v1');
  // The catalog has it, by its name and by its columns.
  const line = /^dataset +first_v1 +1 .* 300 rows of feature-service\/model, made 2/m;
  for (const command of [['search', 'first_v1 weight'], ['list'], ['list', 'dataset']])
    expect((await run(...command)).out).toMatch(line);
  expect((await run('list', 'source')).out).not.toMatch(line);
});

test('a diff of rows says which rows were added, removed and changed', async () => {
  const spine = spineFile('rows.csv', 60);
  await make(spine, 'rows_of');
  const lines = readFileSync(spine, 'utf8').split('\n');
  // The first row is gone, the second has another label, and there is a new one.
  const [header = '', , second = '', ...rest] = lines;
  const other = work.path('other rows.csv');
  const added = `0,1.5,shop 77,${time(3)}`;
  writeFileSync(other, [header, second.replace(/^1/, '0'), added, ...rest].join('\n'));
  await make(other, 'rows_of', '--new-version');
  const { out, status } = await run('dataset', 'diff', 'rows_of@1', 'rows_of', '--rows');
  expect(status).toBe(0);
  expect(out).toContain(
    'rows, by shop, event_timestamp: 60 in rows_of@1, 60 in rows_of@2; 58 are the same, 1 have other values, 1 are only in rows_of@1, 1 only in rows_of@2',
  );
  expect(out).toMatch(/label: 1 changed\n.*\nshop 1 .* 1 +1 +0$/m);
  expect(out).toMatch(/only in rows_of@1\n.*\nshop 0 /);
  expect(out).toMatch(/only in rows_of@2\n.*\nshop 77 /);
  const { rows } = await json<{ readonly rows: RowDiff }>(
    'diff',
    'rows_of@1',
    'rows_of@2',
    '--rows',
    '--examples',
    '0',
  );
  expect(rows).toMatchObject({ same: 58, changed: 1, onlyFirst: 1, onlySecond: 1 });
  expect(rows.rowsOfOne).toEqual({ first: [], second: [] });
  // The same bytes need no comparison, and files of two formats have no values in common.
  const same = await json<{ readonly rows: RowDiff }>('diff', 'rows_of', 'rows_of@2', '--rows');
  expect(same.rows).toMatchObject({ same: 60, changed: 0, columns: [] });
  await make(other, 'rows_of_csv', '--csv');
  const formats = await run('dataset', 'diff', 'rows_of', 'rows_of_csv', '--rows');
  expect(formats.err).toMatch(/MR_REFUSED.*is a parquet file, and .* a csv file/);
  expect((await run('dataset', 'diff', 'rows_of', 'rows_of', '--examples', '1')).status).toBe(2);
});

/** Several row groups: how many threads write them must not matter. */
const AGAIN = [
  ['event-time', 'parquet', 66_000],
  ['as-served', 'parquet', 500],
  ['event-time', 'csv', 500],
] as const;

test('the same bytes again, later: in both modes and formats', async () => {
  const made = await Promise.all(
    AGAIN.map(async ([mode, format, rows]) => {
      const name = `again_${mode.replace('-', '_')}_${format}`;
      const spine = spineFile(`${name}.csv`, rows);
      const more = ['--mode', mode, ...(format === 'csv' ? ['--csv'] : [])];
      return { name, format, spine, more, bytes: await make(spine, name, ...more) };
    }),
  );
  const same = async (when: string): Promise<void> => {
    const { datasets } = on.platform;
    const others = made.map(async ({ name, format, bytes }) => {
      const started = await datasets.rerun(name, { out: fresh(format) }, caller);
      const { out, error } = await finished(on.platform, started);
      expect([name, error]).toEqual([name, null]);
      return readFileSync(out).equals(bytes) ? [] : [name];
    });
    expect((await Promise.all(others)).flat(), when).toEqual([]);
  };
  await same('at once');
  for (const from of [40, 41, 42]) {
    await publish(from, 1);
    await history.sync('raw.sales');
  }
  await same('after later events');
  await history.maintain('raw.sales');
  await same('after a compaction');
  await gateway.close();
  await on.restart();
  await open();
  await same('after a restart');
  // The same request is the same data set, although there are more events by now.
  for (const { name, spine, more, bytes } of made) {
    expect((await make(spine, name, ...more)).equals(bytes), name).toBe(true);
    const { builds, version } = await json<DatasetManifest>('show', name);
    expect([builds.length, version]).toEqual([6, 1]);
  }
});

test('it is the same after its definitions have changed', async () => {
  const spine = spineFile('changed.csv', 500);
  const bytes = await make(spine, 'before_change');
  await on.platform.registry.apply(
    plain(shop, { ...sales, fields: { ...sales.fields, added: 'string?' } }, turnover('2h'), model),
    { reason: 'test' },
    caller,
  );
  const { id } = await on.platform.replays.start({ view: 'turnover' }, caller);
  await replayFilled(on.platform, id);
  await on.platform.replays.change(id, 'promote', {}, caller);
  await publish(50, 5);
  expect((await rerun('before_change')).equals(bytes)).toBe(true);
  const other = await make(spine, 'before_change', '--new-version');
  expect(other.equals(bytes)).toBe(false);
  expect((await rerun('before_change@1')).equals(bytes)).toBe(true);
  expect((await rerun('before_change@2')).equals(other)).toBe(true);
  const { sameBytes, differences } = await json<DatasetDiff>(
    'diff',
    'before_change@1',
    'before_change@2',
  );
  const paths = differences.map(({ path }) => path);
  expect(sameBytes).toBe(false);
  expect(paths).toEqual(
    expect.arrayContaining([
      'views.turnover.version',
      'known',
      'sources.sales.below',
      'sha256',
      'columns.sold.mean',
    ]),
  );
  expect(paths).not.toContain('rows');
  expect(paths).not.toContain('columns.shop.distinct');
});

test('a name belongs to one request', async () => {
  const spine = spineFile('one.csv', 20);
  await make(spine, 'taken');
  const other = spineFile('two.csv', 21);
  const refused = await run(
    'dataset',
    'model',
    '--spine',
    other,
    '--out',
    fresh(),
    '--name',
    'taken',
  );
  expect([refused.status, refused.err]).toEqual([
    1,
    expect.stringMatching(/MR_REFUSED.*the spine has other content.*--new-version/),
  ]);
  await make(other, 'taken', '--new-version');
  const status = await run(
    'dataset',
    'turnover',
    '--spine',
    other,
    '--out',
    fresh(),
    '--name',
    'taken',
  );
  expect(status.err).toContain('the target: it was feature service "model"');
  const bad = await run(
    'dataset',
    'model',
    '--spine',
    other,
    '--out',
    fresh(),
    '--name',
    'No-Name',
  );
  expect(bad.err).toContain('MR_BODY_INVALID');
  const listed = (await run('dataset', 'list')).out;
  expect(listed).toMatch(/taken@1 .*done/);
  expect(listed).toMatch(/taken@2 .*done/);
});

test('it says what has changed where the same bytes are not possible', async () => {
  const spine = spineFile('gone.csv', 20);
  const bytes = await make(spine, 'fragile');
  writeFileSync(spine, `${readFileSync(spine, 'utf8')}1,1,shop 1,${time(1)}\n`);
  const out = fresh();
  const changed = await run('dataset', 'rerun', 'fragile', '--out', out);
  expect([changed.status, changed.err]).toEqual([
    1,
    expect.stringMatching(/MR_DATASET_CHANGED.*spine of data set "fragile" version 1 has changed/),
  ]);
  rmSync(spine);
  expect((await run('dataset', 'rerun', 'fragile', '--out', out)).err).toContain(
    'there is no file',
  );
  const moved = spineFile('moved.csv', 20);
  expect((await rerun('fragile', '--spine', moved)).equals(bytes)).toBe(true);
  expect((await run('dataset', 'rerun', 'fragile', '--out', fresh('csv'))).err).toContain(
    'is a parquet file',
  );
  expect((await run('dataset', 'rerun', 'nothing', '--out', fresh())).err).toContain(
    'MR_NOT_FOUND',
  );
});

test('after an erasure the bytes would differ: the error names what, and nothing is written', async () => {
  const spine = spineFile('erased.csv', 200);
  const whole = await make(spine, 'whole');
  const out = fresh();
  expect((await rerun('whole')).equals(whole)).toBe(true);
  const { id } = await on.platform.erasures.request(
    { entity: { shop: 'shop 3' }, reason: 'request 77' },
    caller,
  );
  const state = async (): Promise<string> => {
    try {
      return (await on.platform.erasures.get(id)).state;
    } catch (error) {
      // The platform is closed for some moments.
      if ((error as { readonly code?: string }).code !== 'MR_MAINTENANCE') throw error;
      return 'running';
    }
  };
  while ((await state()) === 'running') await sleep(20);
  const refused = await run('dataset', 'rerun', 'whole', '--out', out);
  expect([refused.status, refused.err]).toEqual([
    1,
    expect.stringMatching(
      /MR_DATASET_CHANGED.*was not written: .*columns\.sold\..*erased or trimmed/,
    ),
  ]);
  expect(existsSync(out)).toBe(false);
  const listed = (await run('dataset', 'list', '--json')).out.trim().split('\n');
  const builds = listed
    .map((line) => JSON.parse(line) as DatasetStatus)
    .filter(({ name }) => name === 'whole')
    .sort((a, b) => b.startedAt - a.startedAt);
  expect(builds[0]).toMatchObject({ name: 'whole', version: 1, state: 'failed' });
});
