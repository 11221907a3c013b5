/**
 * Batches: at the present time their values come from the tiles, and are those that raw events
 * give. Each view is there twice; the one that declares a lateness is computed from raw events.
 */
import { readFileSync } from 'node:fs';
import {
  avg,
  col,
  count,
  entity,
  featureService,
  featureView,
  last,
  lastK,
  max,
  onDemandFeature,
  source,
} from 'millrace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';
import { type Workplace, workplace } from './files.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const T = Date.UTC(2026, 0, 20);

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const shelf = entity({
  name: 'shelf',
  keys: { shop: 'string', number: 'long', open: 'boolean', since: 'timestamp', day: 'date' },
});
const sales = source({
  name: 'sales',
  fields: {
    at: 'timestamp',
    shop: 'string',
    number: 'long',
    open: 'boolean',
    since: 'timestamp',
    day: 'date',
    price: 'double?',
    item: 'string?',
  },
  eventTime: 'at',
});

const LATENESS = '900d';
const shopView = (name: string, lateness: object) =>
  featureView({
    name,
    entity: shop,
    source: sales,
    ttl: '10d',
    features: {
      sold: count({ window: '1d' }),
      price: avg(col('price'), { window: '3d' }),
      items: lastK(col('item'), 3),
    },
    ...lateness,
  });
const shelfView = (name: string, lateness: object) =>
  featureView({
    name,
    entity: shelf,
    source: sales,
    features: {
      most: max(col('price'), { window: '7d' }),
      last_day: last(col('day')),
      last_open: last(col('open')),
      last_at: last(col('since')),
    },
    ...lateness,
  });
const views = ['tiles', 'events'].map((how) => {
  const lateness = how === 'tiles' ? {} : { lateness: LATENESS };
  const ofShop = shopView(`shop_${how}`, lateness);
  const ofShelf = shelfView(`shelf_${how}`, lateness);
  const ratio = onDemandFeature({
    name: `ratio_${how}`,
    type: 'double',
    inputs: { most: ofShelf.feature('most'), price: ofShop.feature('price') },
    value: ({ most, price }) => most.dividedBy(price),
  });
  const service = featureService({
    name: `all_${how}`,
    features: [ofShelf.pick('most', 'last_at'), ofShop.pick('sold', 'items'), ratio],
  });
  return { ofShop, ofShelf, ratio, service };
});

let on: TestPlatform;
let work: Workplace;

beforeAll(async () => {
  work = await workplace();
  on = await testPlatform();
  const definitions = views.flatMap(({ ofShop, ofShelf, ratio, service }) => [
    ofShop,
    ofShelf,
    ratio,
    service,
  ]);
  await on.platform.registry.apply(plain(shop, shelf, sales, ...definitions), {}, caller);
  const events = Array.from({ length: 2_500 }, (_, i) => ({
    at: T - 15 * DAY + ((i * 7_919) % 2_500) * ((15 * DAY) / 2_500),
    shop: i % 50 === 0 ? `old "${i}", shop` : `shop ${i % 11}`,
    number: 2 ** 53 - 1 - (i % 5),
    open: i % 2 === 0,
    since: T - (i % 3) * 1_001,
    day: `2026-01-0${1 + (i % 4)}`,
    price: i % 7 === 0 ? null : (i % 97) / 4,
    item: i % 5 === 0 ? null : `item ${i % 13}`,
  }));
  const { rejected } = await on.platform.publishing.publish({ source: 'sales', events }, caller);
  expect(rejected).toEqual([]);
});
afterAll(async () => {
  await on.dispose();
  work.close();
});

const batch = async (
  target: { readonly view: string } | { readonly service: string },
  name: string,
  at: number | null = T + HOUR,
): Promise<string> => {
  const out = work.path(name);
  await on.platform.datasets.batch(
    { target, out, overwrite: true, withStatus: true, ...(at === null ? {} : { at }) },
    caller,
  );
  return out;
};
const historyEnd = async (): Promise<string | null> =>
  (await on.platform.operations.status()).sources[0]?.historyPosition ?? null;

// The history has nothing before raw events are asked for, so that shows what was read.
test.each(['shop', 'shelf'])('of a view: %s', async (name) => {
  const before = await historyEnd();
  const tiles = await batch({ view: `${name}_tiles` }, 'tiles.csv');
  const types = await batch({ view: `${name}_tiles` }, 'tiles.parquet');
  expect(await historyEnd(), 'no raw event was read').toBe(before);
  const events = await batch({ view: `${name}_events` }, 'events.csv');
  const lines = (file: string): readonly string[] => readFileSync(file, 'utf8').split('\n');
  expect(lines(tiles)[0]).toBe(lines(events)[0]);
  expect(lines(tiles).toSorted()).toEqual(lines(events).toSorted());
  const other = await batch({ view: `${name}_events` }, 'events.parquet');
  const described = (file: string) => work.query(`DESCRIBE SELECT * FROM '${file}'`);
  expect(await described(types)).toEqual(await described(other));
  const rows = (file: string) => work.query(`SELECT * FROM '${file}' ORDER BY ALL`);
  expect(await rows(types)).toEqual(await rows(other));
  expect((await rows(types)).length).toBeGreaterThan(10);
});

test('of a service of views with other keys, and of what is computed from them', async () => {
  const tiles = await batch({ service: 'all_tiles' }, 'service_tiles.parquet');
  const events = await batch({ service: 'all_events' }, 'service_events.parquet');
  // The on-demand feature has the name of its service's kind.
  const rows = (file: string, how: string) =>
    work.query(
      `SELECT * RENAME (ratio_${how} AS ratio, ratio_${how}__status AS ratio__status) FROM '${file}' ORDER BY ALL`,
    );
  const found = await rows(tiles, 'tiles');
  expect(found).toEqual(await rows(events, 'events'));
  expect(found.length).toBeGreaterThan(100);
});

test('a batch of the past, or of a time before some events, reads raw events', async () => {
  const at = T - 5 * DAY;
  const tiles = await batch({ view: 'shop_tiles' }, 'past_tiles.csv', at);
  const events = await batch({ view: 'shop_events' }, 'past_events.csv', at);
  const lines = (file: string): readonly string[] => readFileSync(file, 'utf8').split('\n');
  expect(lines(tiles).toSorted()).toEqual(lines(events).toSorted());
});

test('without a time, a batch has the values of now, and a run of its own', async () => {
  const out = await batch({ view: 'shop_tiles' }, 'now.parquet', null);
  const [[newest]] = (await work.query(
    `SELECT max(epoch_ms(event_timestamp))::DOUBLE FROM '${out}'`,
  )) as [[number]];
  expect(Math.abs(newest - Date.now())).toBeLessThan(60_000);
  const [listed] = await on.platform.datasets.list(caller);
  expect(listed).toMatchObject({ state: 'done', out, mode: 'event-time' });
  expect(listed?.rows).toBeGreaterThan(10);
});
