/**
 * `after`: a read waits until its values include a position, for as long as the caller allows, and
 * then refuses with how far it is.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { count, entity, featureView, source } from '#domain/definitions/index.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({ name: 'sales', fields: { t: 'timestamp', shop: 'string' }, eventTime: 't' });
const visits = source({
  name: 'visits',
  fields: { t: 'timestamp', shop: 'string' },
  eventTime: 't',
});
const totals = featureView({
  name: 'totals',
  entity: shop,
  source: sales,
  features: { n: count({}) },
});
const more = featureView({ name: 'more', entity: shop, source: sales, features: { m: count({}) } });

let on: TestPlatform;
beforeAll(async () => {
  on = await testPlatform();
  await on.platform.registry.apply(plain(shop, sales, visits, totals), {}, caller);
});
afterAll(() => on.dispose());

const ask = (after: string, waitMs: number, view = 'totals:n') =>
  on.platform.serving.read({ features: [view], entities: [{ shop: 'a' }], after, waitMs });

test('the position of a publish can be read at once, and the answer is complete through it', async () => {
  const before = Date.now();
  const { position } = await on.platform.publishing.publish(
    { source: 'sales', events: [{ t: before, shop: 'a' }] },
    caller,
  );
  const answer = await ask(position, 0);
  expect(answer.values).toEqual([[1]]);
  expect(answer.views[0]?.completeThrough).toBeGreaterThanOrEqual(before);
  expect(answer).not.toHaveProperty('degraded');
});

test('a read refuses a position that is not reached in time, and says how far the values are', async () => {
  const refusal = {
    code: 'MR_POSITION_NOT_REACHED',
    details: { position: 'raw.sales@0:9', reached: 'raw.sales@0:1', deadlineMs: 20 },
  };
  await expect(ask('raw.sales@0:9', 20)).rejects.toMatchObject(refusal);
});

test('a waiting read is answered when the position is reached', async () => {
  const waiting = ask('raw.sales@0:2', 5_000);
  await on.platform.publishing.publish(
    { source: 'sales', events: [{ t: Date.now(), shop: 'a' }] },
    caller,
  );
  expect((await waiting).values).toEqual([[2]]);
});

test('a read waits only for the views that it reads', async () => {
  expect((await ask('raw.visits@0:7', 0)).values).toEqual([[2]]);
});

test('a command has a position also when it is refused or changes nothing; an unknown position is never reached', async () => {
  const { position, applied } = await on.platform.registry.apply(plain(more), {}, caller);
  expect(applied).toBe(1);
  expect((await ask(position, 1_000, 'more:m')).values).toEqual([[2]]);
  const again = await on.platform.registry.apply(plain(more), {}, caller);
  expect((await ask(again.position, 1_000)).values).toEqual([[2]]);
  await on.platform.registry
    .command({ type: 'RegisterEntity', data: { name: '?' } }, caller)
    .catch(() => {});
  const { records } = await on.platform.audit.log({});
  const head = records.at(-1)?.sequence as number;
  expect((await ask(`registry@0:${head}`, 1_000)).values).toEqual([[2]]);
  await expect(ask(`registry@0:${head + 1}`, 20)).rejects.toMatchObject({
    code: 'MR_POSITION_NOT_REACHED',
    details: { reached: `registry@0:${head}` },
  });
});

test('an answer about the past is complete through its knowledge time', async () => {
  const { known } = await ask('raw.sales@0:2', 1_000);
  const past = await on.platform.serving.read({
    features: ['totals:n'],
    entities: [{ shop: 'a' }],
    known: known - 1,
  });
  expect(past.views[0]?.completeThrough).toBe(known - 1);
  expect(past).not.toHaveProperty('degraded');
});
