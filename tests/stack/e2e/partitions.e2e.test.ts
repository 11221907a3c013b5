/**
 * A source of several partitions: an entity's events are in one partition, and adding partitions
 * loses and repeats nothing.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { col, count, entity, featureView, last, source } from '#domain/definitions/index.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import { kafkaLog } from '#infra/kafka/log.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import {
  caller,
  computed,
  type StackPlatform,
  stackPlatform,
  uniqueName,
  until,
} from '#tests/stack/support/platform.ts';
import { plain } from '#tests/support/platform.ts';

const USERS = Array.from({ length: 24 }, (_, i) => `u${i}`);
const user = entity({ name: uniqueName('user'), keys: { user: 'string' } });
const clicksOf = (partitions: number) =>
  source({
    name: CLICKS,
    fields: { t: 'timestamp', user: 'string', page: 'long' },
    eventTime: 't',
    partitions,
    partitionBy: ['user'],
  });
const CLICKS = uniqueName('clicks');
const view = featureView({
  name: uniqueName('visits'),
  entity: user,
  source: CLICKS,
  features: { clicks: count({}), page: last(col('page')) },
});

let under: StackPlatform;
let page = 0;
const publish = async (): Promise<void> => {
  for (let round = 0; round < 3; round++) {
    const events = USERS.map((name) => ({ t: Date.now(), user: name, page: page++ }));
    expect(
      await under.platform.publishing.publish({ source: CLICKS, events }, caller),
    ).toMatchObject({
      accepted: USERS.length,
    });
  }
};
const seen = async (clicks: number): Promise<boolean> => {
  const names = [`${view.name}:clicks`, `${view.name}:page`];
  const { values } = await under.platform.serving.read({
    features: names,
    entities: USERS.map((name) => ({ user: name })),
  });
  return values.every(
    (row, i) => Number(row[0]) === clicks && Number(row[1]) === page - USERS.length + i,
  );
};

beforeAll(async () => {
  under = await stackPlatform();
  await under.platform.registry.apply(plain(user, clicksOf(2), view), {}, caller);
});
afterAll(() => under.dispose());

test('an entity’s events are in one partition, chosen by its key', async () => {
  await publish();
  const log = await kafkaLog({ brokers: [addresses().kafka], clientId: uniqueName('reader') });
  const places = new Map<string, Set<number>>();
  for (const partition of [0, 1])
    for (const { key } of await log.read(rawTopic(CLICKS), partition, 0, 1 << 20))
      places.set(String(key), (places.get(String(key)) ?? new Set()).add(partition));
  await log.close();
  expect([...places.keys()].sort()).toEqual([...USERS].sort());
  expect([...places.values()].every((partitions) => partitions.size === 1)).toBe(true);
  expect(new Set([...places.values()].flatMap((partitions) => [...partitions])).size).toBe(2);
  await computed(view.name, () => under.platform.operations.status());
  await until('all is counted', () => seen(3));
});

test('after adding partitions, old and new events are counted, and the updates keep their partitions', async () => {
  await under.platform.registry.apply(plain(user, clicksOf(4), view), {}, caller);
  await publish();
  await computed(view.name, () => under.platform.operations.status());
  await until('all is counted', () => seen(6));
  const log = await kafkaLog({ brokers: [addresses().kafka], clientId: uniqueName('reader') });
  const ends = await log.end(rawTopic(CLICKS));
  expect([ends.length, ends.slice(2).some((end) => end > 0)]).toEqual([4, true]);
  expect((await log.end(featuresTopic(view.name))).length).toBe(2);
  await log.close();
});
