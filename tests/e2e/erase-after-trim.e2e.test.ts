/** An erasure of an entity all of whose events `keepHistory` had deleted. */
import { col, count, entity, featureView, source, sum } from 'millrace';
import { afterEach, expect, test } from 'vitest';
import { rawTopic } from '#domain/ports/topics.ts';
import type { EmbeddedParts } from '#infra/profiles/embedded.ts';
import { eraseEmbedded } from '#infra/profiles/embedded-erase.ts';
import { verifyErasure } from '#infra/profiles/embedded-erase-verify.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 1);
const ERASED = 'person-5e11f0';

const person = entity({ name: 'person', keys: { person: 'string' } });
const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const orders = source({
  name: 'orders',
  fields: { at: 'timestamp', person: 'string', shop: 'string', amount: 'double' },
  eventTime: 'at',
  keepHistory: '1d',
});
const ever = featureView({ name: 'ever', entity: shop, source: orders, features: { n: count() } });
const recent = featureView({
  name: 'recent',
  entity: shop,
  source: orders,
  features: { total: sum(col('amount'), { window: '1h', hop: '5m' }) },
});

let on: TestPlatform | null = null;
afterEach(async () => {
  await on?.dispose();
  on = null;
});

test('its rows in older snapshots go, and values of others that counted them are named', async () => {
  let clock = START;
  let parts = null as EmbeddedParts | null;
  on = await testPlatform({
    now: () => clock,
    keepLogMs: 0,
    onParts: (found) => {
      parts = found;
    },
  });
  const { platform, directory } = on;
  const { history, retention } = parts as unknown as EmbeddedParts;
  await platform.registry.apply(plain(person, shop, orders, ever, recent), {}, caller);
  const order = (name: string) => ({ at: clock, person: name, shop: 'corner', amount: 2 });
  const publish = (name: string) =>
    platform.publishing.publish({ source: 'orders', events: [order(name)] }, caller);
  await publish(ERASED);
  await publish('person-other');
  clock += 3 * DAY;
  await publish('person-other');
  await history.sync(rawTopic('orders'));
  await retention.trim();
  clock += 120_000;
  await retention.trim();
  await platform.close();
  const entityOf = { person: ERASED };
  const traces = async () =>
    (await verifyErasure({ dataDirectory: directory, entity: entityOf })).traces;
  expect((await traces()).filter(({ where }) => where.endsWith('.parquet'))).not.toEqual([]);

  const { removed, recomputed, remains } = await eraseEmbedded({
    dataDirectory: directory,
    entity: entityOf,
    reason: 'r',
    now: () => clock,
  });
  expect(removed.records).toEqual({});
  expect(removed.history['raw.orders']?.snapshots).toBeGreaterThan(0);
  expect(await traces()).toEqual([]);
  expect(recomputed).toEqual([]);
  // The window of `recent` begins after the deleted events.
  expect(remains.filter(({ what }) => what.startsWith('values of other'))).toEqual([
    {
      what: 'values of other entities of the view ever, of events before 2026-01-01T00:00:00.001Z',
      why: expect.stringContaining('keepHistory'),
    },
  ]);
});
