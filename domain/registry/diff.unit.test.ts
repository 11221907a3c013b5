/** Each kind of change, and its cost. */
import {
  avg,
  col,
  count,
  entity,
  featureService,
  featureView,
  onDemandFeature,
  request,
  source,
  sum,
} from 'millrace';
import { describe, expect, test } from 'vitest';
import type { Definition, SourceDefinition } from '#domain/definitions/model.ts';
import type { Change, Readers } from './change.ts';
import { diffDefinitions } from './diff.ts';

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { shop: 'string', at: 'timestamp', amount: 'int', note: 'string?' },
  eventTime: 'at',
});
const features = { n: count({ window: '1d' }), amount: sum(col('amount'), { window: '1d' }) };
const view = featureView({ name: 'turnover', entity: shop, source: sales, features });
const viewWith = (more: object): Definition =>
  featureView({ name: 'turnover', entity: shop, source: sales, features, ...more } as never);

const unread: Readers = {
  ofFeature: () => [],
  ofOnDemand: () => [],
  ofField: () => [],
  ofEntity: () => [],
  ofSource: () => ({ unfit: () => [], recomputed: () => [] }),
  featureType: (definition, feature) =>
    definition.features[feature]?.aggregation === 'avg' ? 'double' : 'long',
};
const read: Readers = {
  ...unread,
  ofFeature: (_view, feature) => (feature === 'amount' ? ['feature-service/model'] : []),
  ofOnDemand: () => ['feature-service/model'],
  ofField: (_source, field) => (field === 'amount' ? ['feature-view/turnover'] : []),
  ofEntity: () => ['feature-view/turnover'],
};
const diff = (before: Definition, after: Definition, readers = unread): Change =>
  diffDefinitions(
    JSON.parse(JSON.stringify(before)) as Definition,
    JSON.parse(JSON.stringify(after)) as Definition,
    readers,
  );
const paths = (change: Change): readonly string[] =>
  change.fields.map((f) => `${f.path} ${f.cost}`);

test('nothing changes', () =>
  expect(diff(view, view)).toEqual({
    cost: 'none',
    fields: [],
    notes: [],
    breaks: [],
    broken: [],
    final: [],
  }));

describe('feature views', () => {
  test.each(['namespace', 'owner', 'description', 'freshness', 'ephemeral'])(
    '%s is compatible',
    (path) => {
      expect(diff(view, viewWith({ [path]: '5m' }))).toMatchObject({
        cost: 'compatible',
        fields: [{ path, before: null, after: '5m' }],
      });
    },
  );
  test('tags are compatible', () =>
    expect(diff(view, viewWith({ tags: ['a'] })).cost).toBe('compatible'));
  test.each([
    ['lateness', '1h'],
    ['ttl', '9d'],
    ['where', col('amount').gt(1)],
    ['online', false],
  ])('%s needs a replay', (path, value) => {
    expect(paths(diff(view, viewWith({ [path as string]: value })))).toEqual([`${path} replay`]);
  });
  test('a new feature needs a replay, and the notes say so', () => {
    const more = viewWith({ features: { ...features, average: avg(col('amount')) } });
    expect(diff(view, more, read)).toMatchObject({
      cost: 'replay',
      notes: [expect.stringMatching(/average.*replay/)],
      breaks: [],
    });
  });
  test('another window, input, filter or aggregation of the same type needs a replay', () => {
    const others = [
      sum(col('amount'), { window: '2d' }),
      sum(col('amount').plus(1), { window: '1d' }),
      sum(col('amount'), { window: '1d', where: col('amount').gt(0) }),
      count(),
    ];
    for (const amount of others)
      expect(paths(diff(view, viewWith({ features: { ...features, amount } }), read))).toEqual([
        'features.amount replay',
      ]);
  });
  test('a removed feature breaks its readers, by name; without readers it needs a replay', () => {
    const fewer = viewWith({ features: { n: features.n } });
    expect(diff(view, fewer, read)).toMatchObject({
      cost: 'breaking',
      breaks: [expect.stringContaining('feature-service/model')],
    });
    expect(diff(view, fewer)).toMatchObject({ cost: 'replay', breaks: [] });
  });
  test('a feature of another type breaks its readers', () => {
    const retyped = viewWith({
      features: { ...features, amount: avg(col('amount'), { window: '1d' }) },
    });
    expect(diff(view, retyped, read)).toMatchObject({
      cost: 'breaking',
      breaks: [expect.stringMatching(/long to double.*model/)],
    });
    expect(diff(view, retyped).cost).toBe('replay');
  });
  test('a feature’s description is compatible', () => {
    const told = viewWith({
      features: {
        ...features,
        n: { ...JSON.parse(JSON.stringify(features.n)), description: 'how many' },
      },
    });
    expect(paths(diff(view, told, read))).toEqual(['features.n.description compatible']);
  });
  test('another entity or source breaks', () => {
    expect(diff(view, { ...(viewWith({}) as typeof view), entity: 'other' }).cost).toBe('breaking');
    expect(diff(view, { ...(viewWith({}) as typeof view), source: 'other' }).cost).toBe('breaking');
  });
  test('the highest cost is the cost, and the notes that break are listed apart', () => {
    const change = diff(
      view,
      viewWith({ owner: 'x', ttl: '9d', features: { n: features.n } }),
      read,
    );
    expect(paths(change)).toEqual(['owner compatible', 'ttl replay', 'features.amount breaking']);
    expect(change.cost).toBe('breaking');
    expect([change.notes.length, change.breaks.length]).toEqual([2, 1]);
  });
});

describe('sources', () => {
  const fields = sales.fields;
  const withFields = (after: Record<string, string>): SourceDefinition => ({
    ...sales,
    fields: after,
  });
  test('a new nullable field is compatible; a new required field is not', () => {
    expect(paths(diff(sales, withFields({ ...fields, colour: 'string?' })))).toEqual([
      'fields.colour compatible',
    ]);
    expect(paths(diff(sales, withFields({ ...fields, colour: 'string' })))).toEqual([
      'fields.colour breaking',
    ]);
  });
  test('a wider type is compatible; a narrower one breaks, and names the views', () => {
    expect(paths(diff(sales, withFields({ ...fields, amount: 'long' }), read))).toEqual([
      'fields.amount compatible',
    ]);
    expect(diff(withFields({ ...fields, amount: 'double' }), sales, read)).toMatchObject({
      cost: 'breaking',
      breaks: [expect.stringContaining('feature-view/turnover')],
    });
  });
  test('a removed field breaks, and names the views that read it', () => {
    const { amount: _amount, ...rest } = fields;
    expect(diff(sales, withFields(rest), read).breaks).toEqual([
      expect.stringContaining('feature-view/turnover'),
    ]);
  });
  test('partitions grow, and never shrink; the change is listed once', () => {
    expect(paths(diff({ ...sales, partitions: 2 }, { ...sales, partitions: 4 }))).toEqual([
      'partitions compatible',
    ]);
    expect(paths(diff({ ...sales, partitions: 4 }, { ...sales, partitions: 2 }))).toEqual([
      'partitions breaking',
    ]);
    expect(paths(diff(sales, { ...sales, partitions: 1 }))).toEqual([]);
  });
});

describe('entities, on-demand features, services', () => {
  test('changed keys break the views that use them', () => {
    const more = { ...shop, keys: { shop: 'string', till: 'int' } } as Definition;
    expect(diff(shop, more, read)).toMatchObject({
      cost: 'breaking',
      breaks: [expect.stringContaining('feature-view/turnover')],
    });
    expect(diff(shop, more).cost).toBe('compatible');
  });
  const onDemand = (type: 'double' | 'string', factor: number) =>
    onDemandFeature({
      name: 'scaled',
      type,
      inputs: { amount: view.feature('amount'), hour: request('hour', 'int') },
      value: ({ amount }) => amount.times(factor),
    });
  test('another formula is compatible, another type breaks its readers', () => {
    expect(paths(diff(onDemand('double', 2), onDemand('double', 3), read))).toEqual([
      'value compatible',
    ]);
    expect(diff(onDemand('double', 2), onDemand('string', 2), read)).toMatchObject({
      cost: 'breaking',
      breaks: [expect.stringContaining('feature-service/model')],
    });
    expect(diff(onDemand('double', 2), onDemand('string', 2)).cost).toBe('compatible');
  });
  test('a new request input breaks callers that do not send it', () => {
    const asking = { ...onDemand('double', 2) };
    const more = {
      ...asking,
      inputs: { ...asking.inputs, day: { from: 'request', name: 'day', type: 'int' } },
    } as Definition;
    expect(diff(asking, more, read)).toMatchObject({
      cost: 'breaking',
      breaks: [expect.stringContaining('day: int')],
    });
  });
  const model = (...names: ('n' | 'amount')[]) =>
    featureService({ name: 'model', features: [view.pick(...names)] });
  test('a change of the logging of answers is compatible', () => {
    const logged = { ...model('n'), logging: { sample: 0.1 } } as Definition;
    expect(paths(diff(model('n'), logged))).toEqual(['logging compatible']);
    expect(paths(diff(logged, model('n'), read))).toEqual(['logging compatible']);
  });
  test('a service may return more, in another order, or from another version; not less', () => {
    expect(diff(model('n'), model('n', 'amount'))).toMatchObject({
      cost: 'compatible',
      notes: [expect.stringContaining('more')],
    });
    expect(diff(model('n', 'amount'), model('amount', 'n'))).toMatchObject({
      cost: 'compatible',
      notes: [expect.stringContaining('order')],
    });
    const pinned = {
      ...model('n'),
      features: [{ from: 'view', view: 'turnover', features: ['n'], version: 1 }],
    } as Definition;
    expect(diff(model('n'), pinned)).toMatchObject({
      cost: 'compatible',
      notes: [expect.stringContaining('version')],
    });
    expect(diff(model('n', 'amount'), model('n'))).toMatchObject({
      cost: 'breaking',
      breaks: [expect.stringContaining('turnover:amount')],
    });
  });
});
