/**
 * A named data set does not need its definitions to be in use: after all of them were retired, and
 * after they came back in another form, each kind of spine in each mode gives the same bytes.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  avg,
  col,
  count,
  entity,
  featureService,
  featureView,
  last,
  onDemandFeature,
  request,
  source,
  sum,
} from 'millrace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatasetRequest, DatasetStatus } from '#domain/api/datasets.ts';
import type { DatasetMode, DatasetSpine } from '#domain/datasets/spine.ts';
import type { Definition, Kind } from '#domain/definitions/model.ts';
import type { EmbeddedParts } from '#infra/profiles/embedded.ts';
import {
  caller,
  caughtUp,
  finished,
  plain,
  replayFilled,
  type TestPlatform,
  testPlatform,
} from '#tests/support/platform.ts';

const HOUR = 3_600_000;
const T = Date.UTC(2026, 0, 1);

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const fields = { shop: 'string', at: 'timestamp', price: 'float?', n: 'int', item: 'string?' };
const salesOf = (more: Readonly<Record<string, string>>): Definition =>
  ({ ...sales, fields: { ...fields, ...more } }) as Definition;
const sales = source({ name: 'sales', fields, eventTime: 'at' } as never);
const turnoverOf = (window: '1h' | '2h') =>
  featureView({
    name: 'turnover',
    entity: shop,
    source: sales,
    lateness: '1h',
    features: {
      sold: count({ window, hop: '1h' }),
      price: avg(col('price'), { window: '1d', hop: '1h' }),
      total: sum(col('n')),
      newest: last(col('item')),
    },
  });
const turnover = turnoverOf('1h');
const riskOf = (factor: number) =>
  onDemandFeature({
    name: 'risk',
    type: 'double',
    inputs: { price: turnover.feature('price'), hour: request('hour', 'int') },
    value: ({ price, hour }) => price.times(factor).plus(hour),
  });
const risk = riskOf(2);
const model = featureService({ name: 'model', features: [turnover, risk] });

let on: TestPlatform;
let history: EmbeddedParts['history'];
let files = 0;
const built = new Map<string, Buffer>();

const publish = async (hours: readonly number[]): Promise<void> => {
  const events = hours.flatMap((hour) =>
    Array.from({ length: 20 }, (_, i) => ({
      shop: `shop ${i % 4}`,
      at: T + hour * HOUR + i * 60_000,
      price: i % 5 === 0 ? null : i / 4,
      n: i,
      item: i % 3 === 0 ? null : `item ${i % 5}`,
    })),
  );
  await on.platform.publishing.publish({ source: 'sales', events }, caller);
  await caughtUp(on.platform);
};

const run = async (start: (out: string) => Promise<DatasetStatus>): Promise<Buffer> => {
  const out = join(on.files, `out-${++files}.parquet`);
  const status = await finished(on.platform, await start(out));
  expect(status, status.error?.message).toMatchObject({ state: 'done' });
  return readFileSync(out);
};
const change = (type: 'Retire' | 'Restore', kind: Kind, name: string) =>
  on.platform.registry.command({ type, data: { kind, name }, reason: 'test' }, caller);
const again = async (why: string): Promise<void> => {
  const different = [...built].map(async ([name, bytes]) => {
    const same = await run((out) => on.platform.datasets.rerun(name, { out }, caller));
    return same.equals(bytes) ? [] : [name];
  });
  expect((await Promise.all(different)).flat(), why).toEqual([]);
};

let requests: readonly (DatasetRequest & { readonly name: string })[];

beforeAll(async () => {
  on = await testPlatform({
    onParts(parts) {
      history = parts.history;
    },
  });
  await on.platform.registry.apply(plain(shop, sales, turnover, risk, model), {}, caller);
  // The hours 3 and 2 come late.
  for (const hours of [[0, 1, 8], [3], [9, 2], [10]]) await publish(hours);
  const file = join(on.files, 'spine.csv');
  const lines = Array.from({ length: 50 }, (_, i) => `shop ${i % 5},${i},${T + i * 0.3 * HOUR}`);
  writeFileSync(file, ['shop,hour,event_timestamp', ...lines, ''].join('\n'));
  const spines: readonly (readonly [DatasetSpine, DatasetRequest['target']])[] = [
    [{ file }, { service: 'model' }],
    [{ grid: { from: T, to: T + 12 * HOUR, every: HOUR } }, { view: 'turnover' }],
    [{ events: { source: 'sales', label: ['item'] } }, { view: 'turnover' }],
  ];
  requests = (['event-time', 'as-served'] as const).flatMap((mode: DatasetMode) =>
    spines.map(([spine, target]) => ({
      target,
      spine,
      mode,
      withStatus: true,
      name: `${Object.keys(spine)[0]}_${mode.replace('-', '_')}`,
    })),
  );
  for (const one of requests)
    built.set(one.name, await run((out) => on.platform.datasets.start({ ...one, out }, caller)));
});
afterAll(() => on.dispose());

const DEFINITIONS = [
  ['feature-service', 'model'],
  ['on-demand-feature', 'risk'],
  ['feature-view', 'turnover'],
  ['source', 'sales'],
  ['entity', 'shop'],
] as const;

test('the same bytes after all definitions were retired, and a restart and a compaction', async () => {
  await publish([4, 11]);
  for (const [kind, name] of DEFINITIONS) await change('Retire', kind, name);
  // The same request is the same data set: it needs no definition that is in use.
  for (const one of requests.slice(2, 3)) {
    const same = await run((out) => on.platform.datasets.start({ ...one, out }, caller));
    expect(same.equals(built.get(one.name) as Buffer)).toBe(true);
  }
  await on.restart();
  await history.sync('raw.sales');
  await history.maintain('raw.sales');
  await again('after all were retired, a restart and a compaction');
});

test('the same bytes after they came back in another form, and the generation was deleted', async () => {
  for (const [kind, name] of DEFINITIONS.toReversed()) await change('Restore', kind, name);
  const changed = salesOf({ price: 'double?', n: 'long', added: 'string?' });
  await on.platform.registry.apply(
    plain(shop, changed, turnoverOf('2h'), riskOf(3), model),
    { reason: 'test', force: true },
    caller,
  );
  const { id } = await on.platform.replays.start({ view: 'turnover' }, caller);
  await replayFilled(on.platform, id);
  await on.platform.replays.change(id, 'promote', {}, caller);
  await on.platform.replays.change(id, 'retire', {}, caller);
  await publish([5, 12]);
  await history.sync('raw.sales');
  await history.maintain('raw.sales');
  await on.restart();
  await again('after all were revised, a compaction and a restart');
});

test('a field that was taken away', async () => {
  const { item: _, ...rest } = { ...fields, price: 'double?', n: 'long', added: 'string?' };
  const without = featureView({
    name: 'turnover',
    entity: shop,
    source: sales,
    features: { sold: count({ window: '2h', hop: '1h' }), price: avg(col('price')) },
  });
  const smaller = featureService({ name: 'model', features: [without, riskOf(3)] });
  await on.platform.registry.apply(
    plain(shop, { ...sales, fields: rest } as Definition, without, riskOf(3), smaller),
    { reason: 'test', force: true },
    caller,
  );
  await on.platform.publishing.publish(
    { source: 'sales', events: [{ shop: 'shop 1', at: T, price: 1, n: 1 }] },
    caller,
  );
  await history.sync('raw.sales');
  await history.maintain('raw.sales');
  await again('after a field was taken away, and a compaction');
});
