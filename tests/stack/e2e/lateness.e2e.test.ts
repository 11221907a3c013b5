/**
 * A declared lateness on the stack: an event that is too late is left out online, listed in `late`,
 * and kept in the history.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { count, entity, featureView, source } from '#domain/definitions/index.ts';
import {
  caller,
  type StackPlatform,
  stackPlatform,
  uniqueName,
  until,
} from '#tests/stack/support/platform.ts';
import { plain } from '#tests/support/platform.ts';

const shop = entity({ name: uniqueName('shop'), keys: { shop: 'string', till: 'int' } });
const sales = source({
  name: uniqueName('sales'),
  fields: { t: 'timestamp', shop: 'string', till: 'int' },
  eventTime: 't',
});
const counted = featureView({
  name: uniqueName('counted'),
  entity: shop,
  source: sales,
  lateness: '5m',
  features: { sales_1h: count({ window: '1h', hop: '1m' }) },
});

let under: StackPlatform;
const MINUTE = 60_000;

beforeAll(async () => {
  under = await stackPlatform();
  await under.platform.registry.apply(plain(shop, sales, counted), {}, caller);
});
afterAll(() => under?.dispose());

test('an event on time is counted, one past its tile’s end and the lateness is not', async () => {
  const now = Date.now();
  const key = { shop: 'a\u001fb\\', till: 7 };
  const send = async (t: number): Promise<string> =>
    (
      await under.platform.publishing.publish(
        { source: sales.name, events: [{ t, ...key }] },
        caller,
      )
    ).position;
  await send(now - 20 * MINUTE);
  await send(now);
  await send(now - 4 * MINUTE);
  await send(now - 30 * MINUTE);
  await until(
    'the late event is reported',
    async () => (await under.platform.operations.late(counted.name, {})).total >= 1,
  );
  const report = await under.platform.operations.late(counted.name, {});
  expect(report.records.map(({ entity: who, eventTime }) => ({ who, eventTime }))).toEqual([
    { who: key, eventTime: now - 30 * MINUTE },
  ]);
  expect(report.records[0]?.lateBy).toBeGreaterThan(20 * MINUTE);
  const read = { features: [`${counted.name}:sales_1h`], entities: [key] };
  await until(
    'three are counted',
    async () => (await under.platform.serving.read(read)).values[0]?.[0] === 3,
  );
  const { replay } = {
    replay: await under.platform.replays.start(
      { view: counted.name, reason: 'takes it in' },
      caller,
    ),
  };
  await until(
    'the replay is filled',
    async () => (await under.platform.replays.get(replay.id)).state === 'ready',
    180_000,
  );
  await under.platform.replays.change(replay.id, 'promote', {}, caller);
  await until(
    'a replay takes the late event in',
    async () => (await under.platform.serving.read(read)).values[0]?.[0] === 4,
  );
});
