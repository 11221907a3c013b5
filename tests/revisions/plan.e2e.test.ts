/**
 * What `plan` and `apply` say of a revision of a source: what no longer fits it, which views need a
 * replay, and what cannot be forced.
 */
import {
  col,
  count,
  entity,
  featureService,
  featureView,
  last,
  lastK,
  onDemandFeature,
  source,
  sum,
} from 'millrace';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PlannedChange } from '#domain/api/registry.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';

const FIELDS = {
  at: 'timestamp',
  id: 'string',
  number: 'int',
  small: 'int',
  large: 'long',
  real: 'float',
  text: 'string',
  list: 'array<int>?',
  when: 'date?',
} as const;
const sales = source({ name: 'sales', fields: FIELDS, eventTime: 'at' });
const sourceWith = (fields: object, more: object = {}): Definition =>
  source({ name: 'sales', fields: { ...FIELDS, ...fields }, eventTime: 'at', ...more } as never);

const shop = entity({ name: 'shop', keys: { id: 'string' } });
const numbered = entity({ name: 'numbered', keys: { number: 'int' } });
const totals = featureView({
  name: 'totals',
  entity: shop,
  source: sales,
  features: {
    n: count(),
    newest: last(col('small')),
    doubled: sum(col('large').times(2)),
    counted: sum(col('small').times(2)),
    part: last(col('text').substring(col('small'))),
  },
});
const byNumber = featureView({
  name: 'by_number',
  entity: numbered,
  source: sales,
  features: { newest_large: lastK(col('large'), 2), lists: last(col('list')) },
});
const half = onDemandFeature({
  name: 'next',
  type: 'int',
  inputs: { newest: totals.feature('newest') },
  value: ({ newest }) => newest,
});
const model = featureService({ name: 'model', features: [totals.pick('n', 'newest'), half] });

let running: TestPlatform;
beforeAll(async () => {
  running = await testPlatform();
  await running.platform.registry.apply(
    plain(shop, numbered, sales, totals, byNumber, half, model),
    {},
    caller,
  );
});
afterAll(() => running.dispose());

const planned = async (...definitions: readonly Definition[]): Promise<PlannedChange> => {
  const { changes } = await running.platform.registry.plan(plain(...definitions));
  return changes.find(({ kind }) => kind === 'source') as PlannedChange;
};

describe('compatible', () => {
  test.each([
    ['a number that no expression computes with', { real: 'double' }],
    ['a value may be null', { text: 'string?', real: 'double?' }],
    ['a new field that may be null', { more: 'array<double>?' }],
  ])('%s', async (_, fields) => {
    expect((await planned(sourceWith(fields))).cost).toBe('compatible');
  });
});

test('arithmetic that may leave the whole numbers needs a replay, with the view and the expression', async () => {
  const { cost, notes } = await planned(sourceWith({ large: 'double' }));
  expect(cost).toBe('replay');
  expect(notes.join()).toMatch(
    /feature-view\/totals computes .*large.*2.* with fractions.*replay it/,
  );
});

describe('what does not fit breaks, and is named', () => {
  test.each([
    ['a key of an entity', { number: 'long' }, /the key number of numbered is int.*number is long/],
    ['an expression of whole numbers', { small: 'double' }, /feature view totals: part: .*start/],
    ['an on-demand feature', { small: 'long' }, /on-demand feature next: the value newest is long/],
  ])('%s', async (_, fields, text) => {
    const change = await planned(sourceWith(fields));
    expect(change.cost).toBe('breaking');
    expect(change.notes.join()).toMatch(text);
    await expect(
      running.platform.registry.apply(plain(sourceWith(fields)), {}, caller),
    ).rejects.toMatchObject({ code: 'MR_INCOMPATIBLE_REVISION' });
  });

  test('unless the same request revises it', async () => {
    const wider = onDemandFeature({ ...half, type: 'long', value: () => half.value } as never);
    const { cost } = await planned(sourceWith({ small: 'long' }), wider);
    expect(cost).toBe('compatible');
    const { changes } = await running.platform.registry.plan(
      plain(sourceWith({ small: 'long' }), wider),
    );
    expect(changes.map((change) => change.cost)).toEqual(['compatible', 'compatible']);
  });
});

describe('what leaves stored events unreadable is refused, with --force too', () => {
  test.each([
    ['a narrower number', { large: 'int' }],
    ['a double that becomes whole', { real: 'long' }],
    ['a float of a whole number', { small: 'float' }],
    ['a text that becomes a number', { text: 'int' }],
    ['a number that becomes a text', { small: 'string' }],
    ['a number that becomes a time', { large: 'timestamp' }],
    ['wider items of a list', { list: 'array<long>?' }],
    ['a list of what was single', { small: 'array<int>' }],
    ['null no longer', { when: 'date' }],
    ['a new field that must be there', { more: 'double' }],
  ])('%s', async (_, fields) => {
    const revised = sourceWith(fields);
    expect((await planned(revised)).cost).toBe('breaking');
    for (const options of [{}, { force: true, reason: 'we must' }])
      await expect(
        running.platform.registry.apply(plain(revised), options, caller),
      ).rejects.toMatchObject({ code: 'MR_INCOMPATIBLE_REVISION' });
    expect((await running.platform.registry.show('source', 'sales')).version).toBe(1);
  });

  test('another event time', async () => {
    const revised = sourceWith({ later: 'timestamp?' }, { eventTime: 'other' });
    const { problems } = await planned(revised);
    expect(problems).toHaveLength(1);
    const fields = { at: 'timestamp', other: 'timestamp', id: 'string' } as const;
    const twoTimes = source({ name: 'times', fields, eventTime: 'at' });
    await running.platform.registry.apply(plain(twoTimes), {}, caller);
    await expect(
      running.platform.registry.apply(
        plain(source({ name: 'times', fields, eventTime: 'other' })),
        { force: true, reason: 'we must' },
        caller,
      ),
    ).rejects.toMatchObject({ code: 'MR_INCOMPATIBLE_REVISION' });
  });

  test('other keys of an entity that views are kept by', async () => {
    for (const keys of [{ id: 'string', number: 'int' }, { number: 'int' }] as const)
      await expect(
        running.platform.registry.apply(
          plain(entity({ name: 'shop', keys })),
          { force: true, reason: 'we must' },
          caller,
        ),
      ).rejects.toMatchObject({ code: 'MR_INCOMPATIBLE_REVISION' });
  });

  test('the platform goes on after the refusals', async () => {
    const { views } = await running.platform.operations.status();
    expect(views.map(({ error }) => error)).toEqual([null, null]);
    const row = { at: Date.now(), id: 'a', number: 1, small: 1, large: 1, real: 1, text: 't' };
    const { accepted } = await running.platform.publishing.publish(
      { source: 'sales', events: [row] },
      caller,
    );
    expect(accepted).toBe(1);
  });
});

test('a description that changes after a source was widened needs no replay', async () => {
  await running.platform.registry.apply(plain(sourceWith({ large: 'double' })), {}, caller);
  const described = featureView({ ...totals, description: 'said' } as never);
  await running.platform.registry.apply(plain(described), {}, caller);
  const { views } = await running.platform.serving.read({
    features: ['totals:n'],
    entities: [{ id: 'a' }],
  });
  expect(views).toMatchObject([{ view: 'totals', version: 2, generation: 1 }]);
});
