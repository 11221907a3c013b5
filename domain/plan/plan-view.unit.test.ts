import { expect, test } from 'vitest';
import type {
  EntityDefinition,
  FeatureDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import type { Expr } from '#domain/expressions/ast.ts';
import { planView } from './plan-view.ts';

const source: SourceDefinition = {
  kind: 'source',
  name: 's',
  fields: { t: 'timestamp', k: 'string', x: 'double?' },
  eventTime: 't',
};
const entity: EntityDefinition = { kind: 'entity', name: 'e', keys: { k: 'string' } };
const x: Expr = { op: 'col', name: 'x' };
const positive: Expr = { op: 'call', fn: 'gt', args: [x, { op: 'lit', value: 0 }] };
const view = (
  features: Readonly<Record<string, FeatureDefinition>>,
  more: Partial<FeatureViewDefinition> = {},
): FeatureViewDefinition => ({
  kind: 'feature-view',
  name: 'v',
  entity: 'e',
  source: 's',
  features,
  ...more,
});
const plan = (
  features: Readonly<Record<string, FeatureDefinition>>,
  more?: Partial<FeatureViewDefinition>,
) => planView(view(features, more), source, entity);
const of = (aggregation: string, more: Partial<FeatureDefinition> = {}): FeatureDefinition => ({
  aggregation,
  input: x,
  window: '1d',
  ...more,
});

test('equal partials are kept once: avg uses the sum and the count of other features', () => {
  const { hops, features } = plan({
    a: of('avg'),
    s: of('sum'),
    n: of('count'),
    v: of('variance'),
    d: of('stddev'),
  });
  expect(hops).toHaveLength(1);
  expect(hops[0]?.partials.map(({ partial }) => partial.id)).toEqual(['sum', 'count', 'moments']);
  expect(features.map(({ partials }) => partials)).toEqual([[0, 1], [0, 1], [1], [2], [2]]);
});

test('another input, filter or hop is another partial', () => {
  const { hops } = plan({
    a: of('count'),
    b: of('count', { input: null }),
    c: of('count', { where: positive }),
    d: of('count', { window: '1h' }),
  });
  expect(hops.map(({ partials }) => partials.length)).toEqual([3, 1]);
  expect(new Set(hops.flatMap(({ partials }) => partials.map(({ name }) => name))).size).toBe(4);
});

test('a partial’s name does not depend on other features', () => {
  const alone = plan({ a: of('max') }).hops[0]?.partials[0]?.name;
  expect(alone).toMatch(/^p_[0-9a-f]{8}$/);
  expect(plan({ z: of('min'), a: of('max') }).hops[0]?.partials[1]?.name).toBe(alone);
});

test('the hash depends on values, not on descriptions', () => {
  const base = plan({ a: of('max') });
  expect(
    plan(
      { a: of('max', { description: 'said' }) },
      {
        owner: 'o',
        tags: ['t'],
        freshness: '1m',
        ephemeral: { ttl: '3m', flush: '1m' },
        description: 'said',
      },
    ).hash,
  ).toBe(base.hash);
  for (const other of [
    plan({ a: of('min') }),
    plan({ b: of('max') }),
    plan({ a: of('max', { hop: '1d' }) }),
    plan({ a: of('max') }, { ttl: '1d' }),
  ]) {
    expect(other.hash).not.toBe(base.hash);
  }
});

test.each([
  [
    'an aggregation that there is not',
    { a: of('median') },
    'MR_DEFINITION_INVALID',
    'count, sum, avg',
  ],
  [
    'strings summed',
    { a: of('sum', { input: { op: 'col', name: 'k' } }) },
    'MR_DEFINITION_INVALID',
    'string',
  ],
  ['no input', { a: of('sum', { input: null }) }, 'MR_DEFINITION_INVALID', 'sum'],
  ['a k that is missing', { a: of('topK') }, 'MR_DEFINITION_INVALID', 'k is null'],
  [
    'edges that do not ascend',
    { a: of('histogram', { params: { edges: [1, 1] } }) },
    'MR_DEFINITION_INVALID',
    '[1,1]',
  ],
  [
    'a column that there is not',
    { a: of('sum', { input: { op: 'col', name: 'y' } }) },
    'MR_UNKNOWN_COLUMN',
    'y',
  ],
  ['a hop that does not divide', { a: of('sum', { hop: '7h' }) }, 'MR_HOP_INVALID', '7h'],
] as const)('%s is refused', (_, features, code, part) => {
  expect(() => plan(features as never)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(part) }),
  );
});

test('an aggregation’s error names the feature', () => {
  expect(() =>
    plan({ good: of('sum'), bad: of('avg', { input: { op: 'col', name: 'k' } }) }),
  ).toThrow(/^bad: in avg\(k\): avg aggregates numbers, and its input is string: convert it/);
});
