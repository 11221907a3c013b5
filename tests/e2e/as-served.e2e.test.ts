/**
 * An `as-served` row at a moment equals a read with `at` and `known` of that moment, values and
 * statuses: before a
 * generation was live, after it, across promotions, a rollback and a retired generation, with late
 * events, and for a service that pins a version.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { avg, col, count, entity, featureService, featureView, last, source } from 'millrace';
import { afterEach, expect, test } from 'vitest';
import type { DatasetRequest } from '#domain/api/datasets.ts';
import type { Platform } from '#domain/api/platform.ts';
import type { ReadRequest } from '#domain/api/serving.ts';
import type { Value } from '#domain/values/value.ts';
import {
  caller,
  finished,
  plain,
  replayFilled,
  type TestPlatform,
  testPlatform,
} from '#tests/support/platform.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { shop: 'string', at: 'timestamp', amount: 'int?' },
  eventTime: 'at',
});
/** No feature is of all time: then no event would be late. */
const window = { window: '2d', hop: '1h' } as const;
const features = {
  n: count(window),
  day: count({ window: '1d', hop: '1h' }),
  value: last(col('amount'), window),
};
const first = featureView({
  name: 'turnover',
  entity: shop,
  source: sales,
  lateness: '1h',
  features,
});
/** `value` becomes a double, `size` is new and `day` is gone. */
const second = featureView({
  name: 'turnover',
  entity: shop,
  source: sales,
  lateness: '1h',
  where: col('amount').gte(3),
  features: {
    n: count(window),
    value: avg(col('amount'), window),
    size: last(col('amount'), window),
  },
});
const service = (name: string, version: 1 | 2) =>
  featureService({
    name,
    features: [{ from: 'view', view: 'turnover', features: ['n', 'value'], version }],
  });

const ENTITIES = ['a', 'b', 'c'];
let running: TestPlatform | null = null;
afterEach(async () => {
  await running?.dispose();
  running = null;
});

const asServed = async (
  platform: Platform,
  target: DatasetRequest['target'],
  moments: readonly number[],
): Promise<Record<string, Value>[]> => {
  const rows = moments.flatMap((moment) =>
    ENTITIES.map((name) => ({ shop: name, event_timestamp: moment })),
  );
  const out = join((running as TestPlatform).files, 'set.csv');
  const started = await platform.datasets.start(
    { target, spine: { rows }, out, overwrite: true, mode: 'as-served', withStatus: true },
    caller,
  );
  expect(await finished(platform, started)).toMatchObject({ state: 'done', error: null });
  const [head, ...lines] = readFileSync(out, 'utf8').trimEnd().split('\n');
  const names = head?.split(',') ?? [];
  return lines.map((line) =>
    Object.fromEntries(
      line
        .split(',')
        .map((text, i) => [
          names[i],
          text === '' ? null : /^[a-z]/.test(text) ? text : Number(text),
        ]),
    ),
  );
};

const asRead = async (
  platform: Platform,
  target: Pick<ReadRequest, 'service' | 'features'>,
  moments: readonly number[],
): Promise<Record<string, Value>[]> => {
  const rows: Record<string, Value>[] = [];
  for (const moment of moments) {
    const entities = ENTITIES.map((name) => ({ shop: name }));
    const answer = await platform.serving.read({
      ...target,
      entities,
      at: moment,
      known: moment,
    });
    entities.forEach((key, row) => {
      const values = answer.features.flatMap((name, i) => [
        [name, answer.values[row]?.[i] ?? null],
        [`${name}__status`, answer.status[row]?.[i]],
      ]);
      rows.push({ ...key, event_timestamp: moment, ...Object.fromEntries(values) });
    });
  }
  return rows;
};

test('as-served rows equal reads of the same moment', async () => {
  running = await testPlatform();
  const { platform } = running;
  const moments: number[] = [];
  const publish = async (...events: readonly (readonly [string, number, number | null])[]) => {
    const sent = events.map(([name, ago, amount]) => ({
      shop: name,
      at: Date.now() - ago,
      amount,
    }));
    const { rejected } = await platform.publishing.publish(
      { source: 'sales', events: sent },
      caller,
    );
    expect(rejected).toEqual([]);
    await sleep(3);
    moments.push(Date.now());
    await sleep(3);
  };
  const promote = async (): Promise<string> => {
    const { id } = await platform.replays.start({ view: 'turnover' }, caller);
    expect(await replayFilled(platform, id)).toMatchObject({ state: 'ready' });
    await platform.replays.change(id, 'promote', {}, caller);
    return id;
  };

  await platform.registry.apply(plain(shop, sales), {}, caller);
  await publish(['a', 3 * HOUR, 1], ['b', DAY + HOUR, 5]);
  await publish(['a', 2 * HOUR, 4], ['a', 1000, null]);
  await platform.registry.apply(plain(first, service('pinned_1', 1)), {}, caller);
  await publish(['b', 2000, 9]);
  // Late for the generation that is live, and counted by the later ones.
  await publish(['a', 5 * HOUR, 7], ['c', 4 * HOUR, 2]);
  const one = await promote();
  await publish(['a', 100, 3], ['c', 20, 8]);
  await platform.registry.apply(plain(second), { force: true, reason: 'better' }, caller);
  await platform.registry.apply(plain(service('pinned_2', 2)), {}, caller);
  await publish(['a', 10, 2], ['b', 10, 6]);
  const two = await promote();
  await publish(['b', 6 * HOUR, 5], ['c', 5, 1]);
  await platform.replays.change(two, 'rollback', {}, caller);
  await publish(['a', 1, 6]);
  await promote();
  await platform.replays.change(one, 'retire', {}, caller);
  await publish(['c', 1, 3]);

  const view = ['n', 'value', 'size'].map((name) => `turnover:${name}`);
  const online = await asRead(platform, { features: view }, moments);
  expect(await asServed(platform, { view: 'turnover' }, moments)).toEqual(online);
  const withoutSize = online.filter((row) => row.size__status === 'not-found');
  expect(
    withoutSize.some((row) => row.n__status === 'present'),
    'the version that answered does not have the feature',
  ).toBe(true);
  for (const name of ['pinned_1', 'pinned_2'])
    expect(await asServed(platform, { service: name }, moments)).toEqual(
      await asRead(platform, { service: name }, moments),
    );

  const byMoment = moments.map((moment) => online.filter((row) => row.event_timestamp === moment));
  const n = (moment: number): Value[] => byMoment[moment]?.map((row) => row.n as Value) ?? [];
  expect(n(0), 'before any generation was live, the present definition answers').toEqual([0, 1, 0]);
  expect(n(3), 'a late event is not in what the first generation answered').toEqual([3, 2, 0]);
  expect(n(4), 'the next generation counts it').toEqual([5, 2, 2]);
  expect(n(5), 'a new definition changes nothing before it is promoted').toEqual([6, 3, 2]);
  expect(n(6), 'from its promotion on, it answers').toEqual([3, 3, 1]);
});
