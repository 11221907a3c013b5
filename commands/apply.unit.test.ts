/** Plan and apply: judged whole, sent in order, nothing where nothing changes. */
import {
  avg,
  col,
  count,
  entity,
  featureService,
  featureView,
  onDemandFeature,
  source,
  sum,
} from 'millrace';
import { expect, test } from 'vitest';
import type { Definition } from '#domain/definitions/model.ts';
import type { Problem } from '#domain/errors.ts';
import { planDefinitions } from '#domain/registry/plan.ts';
import type { PlatformLimits } from '#domain/registry/platform-limits.ts';
import { testRegistry } from '#tests/support/registry.ts';

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { shop: 'string', at: 'timestamp', amount: 'double' },
  eventTime: 'at',
});
const turnover = featureView({
  name: 'turnover',
  entity: shop,
  source: sales,
  features: { sales_1d: count({ window: '1d' }), amount_1d: sum(col('amount'), { window: '1d' }) },
});
const doubled = onDemandFeature({
  name: 'doubled',
  type: 'double',
  inputs: { amount: turnover.feature('amount_1d') },
  value: ({ amount }) => amount.times(2),
});
const model = featureService({ name: 'model', features: [turnover.pick('sales_1d'), doubled] });
const all: readonly Definition[] = [model, doubled, turnover, sales, shop];

/** amount_1d gives way to amount_avg */
const averaged = featureView({
  name: 'turnover',
  entity: shop,
  source: sales,
  features: { sales_1d: count({ window: '1d' }), amount_avg: avg(col('amount')) },
});
const doubledAverage = onDemandFeature({
  name: 'doubled',
  type: 'double',
  inputs: { amount: averaged.feature('amount_avg') },
  value: ({ amount }) => amount.times(2),
});

test('in whatever order a file has them, what is referred to is registered first', async () => {
  const { apply, catalog, store } = await testRegistry();
  const result = await apply(all);
  expect(result.applied).toBe(5);
  expect(result.changes.map((c) => `${c.action} ${c.name}`)).toEqual([
    'create shop',
    'create sales',
    'create turnover',
    'create doubled',
    'create model',
  ]);
  expect((await store.readAll(0, 10)).map((c) => c.stream)).toEqual([
    'entity/shop',
    'source/sales',
    'feature-view/turnover',
    'on-demand-feature/doubled',
    'feature-service/model',
  ]);
  expect(result.position).toBe('registry@0:5');
  expect(catalog.position()).toBe(5);
});

test('again: nothing', async () => {
  const { apply, store } = await testRegistry();
  await apply(all);
  const again = await apply(all);
  expect(again).toMatchObject({ applied: 0, position: 'registry@0:5' });
  expect(new Set(again.changes.map((c) => c.action))).toEqual(new Set(['unchanged']));
  expect(await store.head()).toBe(5);
});

test('a plan changes nothing', async () => {
  const { catalog, store } = await testRegistry();
  expect(planDefinitions(catalog, all).changes.length).toBe(5);
  expect(await store.head()).toBe(0);
});

test('where one thing is wrong nothing is sent', async () => {
  const { apply, store } = await testRegistry();
  const wrong = featureView({
    name: 'wrong',
    entity: shop,
    source: sales,
    features: { n: sum(col('colour')) },
  });
  await expect(apply([...all, wrong])).rejects.toMatchObject({
    code: 'MR_UNKNOWN_COLUMN',
    message: expect.stringContaining('colour'),
  });
  await expect(apply([...all, { ...shop, owner: 'twice' }])).rejects.toMatchObject({
    code: 'MR_DEFINITION_INVALID',
  });
  expect(await store.head()).toBe(0);
});

test('what the platform cannot do is refused before the first command, also what it would restore', async () => {
  const problem = (code: 'MR_REFUSED' | 'MR_HISTORY_TRIMMED', name: string): Problem => ({
    code,
    message: `not here: ${name}`,
    details: {},
  });
  let trimmed = false;
  const limits: PlatformLimits = {
    unsupported: (d) =>
      d.kind === 'source' && d.keepHistory !== undefined ? problem('MR_REFUSED', d.name) : null,
    lacksEvents: ({ name }) => (trimmed ? problem('MR_HISTORY_TRIMMED', name) : null),
  };
  const { apply, send, store, catalog } = await testRegistry(undefined, limits);
  const limited = { ...sales, keepHistory: '30d' } as const;
  await expect(apply([shop, limited])).rejects.toMatchObject({ code: 'MR_REFUSED' });
  expect(await store.head()).toBe(0);
  expect(planDefinitions(catalog, [shop, limited], {}, limits).changes).toMatchObject([
    { problems: [] },
    { problems: [{ code: 'MR_REFUSED' }] },
  ]);
  await apply([shop, sales, turnover]);
  trimmed = true;
  const view = { kind: 'feature-view', name: 'turnover' };
  expect(await apply([shop, sales, turnover])).toMatchObject({ applied: 0 });
  await send('Deprecate', view);
  await send('Restore', view);
  await send('Retire', view);
  const head = await store.head();
  const lacks = { code: 'MR_HISTORY_TRIMMED' };
  await expect(apply([{ ...shop, owner: 'shops' }, turnover])).rejects.toMatchObject(lacks);
  await expect(apply([{ ...turnover, name: 'another' }])).rejects.toMatchObject(lacks);
  expect(await store.head()).toBe(head);
  await expect(send('Restore', view)).rejects.toMatchObject(lacks);
  trimmed = false;
  await send('Restore', view);
});

test('what breaks a reader is named, and needs force, and force a reason', async () => {
  const { apply, store, catalog } = await testRegistry();
  await apply(all);
  expect(planDefinitions(catalog, [averaged]).changes).toMatchObject([
    {
      action: 'revise',
      cost: 'breaking',
      notes: [expect.stringContaining('on-demand-feature/doubled'), expect.anything()],
    },
  ]);
  await expect(apply([averaged])).rejects.toMatchObject({
    code: 'MR_INCOMPATIBLE_REVISION',
    message: expect.stringContaining('on-demand-feature/doubled'),
  });
  await expect(apply([averaged], { force: true })).rejects.toMatchObject({
    code: 'MR_REASON_REQUIRED',
  });
  await expect(apply([averaged], { force: true, reason: ' ' })).rejects.toMatchObject({
    code: 'MR_REASON_REQUIRED',
  });
  expect(await store.head()).toBe(5);
  await apply([averaged], { force: true, reason: 'sums mislead' });
  expect((await store.readAll(5, 10))[0]).toMatchObject({
    command: { reason: 'sums mislead' },
    events: [
      {
        type: 'FeatureViewRegistered',
        data: { version: 2, forced: [expect.stringContaining('amount_1d')] },
      },
    ],
  });
});

test('a file that changes both ends of a reference is judged, and sent, as a whole', async () => {
  const { apply, catalog } = await testRegistry();
  await apply(all);
  expect(planDefinitions(catalog, [averaged, doubledAverage]).changes.map((c) => c.cost)).toEqual([
    'replay',
    'compatible',
  ]);
  expect(await apply([averaged, doubledAverage])).toMatchObject({ applied: 2 });
});

test('two applies at once come to the same as one', async () => {
  const { apply, catalog, store } = await testRegistry();
  const results = await Promise.all([apply(all), apply([...all].reverse()), apply(all)]);
  expect(results.reduce((n, r) => n + r.applied, 0)).toBe(5);
  expect(await store.head()).toBe(5);
  expect(catalog.streams().map((s) => s.state.versions.length)).toEqual([1, 1, 1, 1, 1]);
});

test('two applies at once that differ: both are versions, one after the other, and every version is whole', async () => {
  const { apply, catalog } = await testRegistry();
  await apply(all);
  await Promise.all(['a', 'b'].map((owner) => apply(all.map((d) => ({ ...d, owner })))));
  for (const { state } of catalog.streams()) {
    expect(state.versions.map((v) => v.definition.owner).sort()).toEqual(['a', 'b', undefined]);
  }
});
