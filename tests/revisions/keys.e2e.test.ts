/** The key of an entity comes from a field that becomes wider. */
import { col, count, countDistinct, entity, featureView, source } from 'millrace';
import { afterEach, expect, test } from 'vitest';
import type { Definition } from '#domain/definitions/model.ts';
import type { EntityKey } from '#domain/plan/plan.ts';
import type { Value } from '#domain/values/value.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';

let running: TestPlatform;
afterEach(() => running.dispose());

const read = async (
  view: string,
  features: readonly string[],
  entityKey: EntityKey,
): Promise<readonly Value[]> => {
  const { values } = await running.platform.serving.read({
    features: features.map((feature) => `${view}:${feature}`),
    entities: [entityKey],
  });
  return values[0] as readonly Value[];
};
const publish = async (name: string, ...events: readonly object[]): Promise<void> => {
  const { accepted } = await running.platform.publishing.publish(
    { source: name, events: events as never },
    caller,
  );
  expect(accepted).toBe(events.length);
};
const apply = (...definitions: readonly Definition[]) =>
  running.platform.registry.apply(plain(...definitions), {}, caller);

test('a key of an entity that is long is read from a field that becomes long', async () => {
  running = await testPlatform();
  const sourceOf = (type: 'int' | 'long') =>
    source({
      name: 'clicks',
      fields: { at: 'timestamp', user: type, page: type },
      eventTime: 'at',
      partitions: 2,
      partitionBy: ['user'],
    });
  const user = entity({ name: 'user', keys: { user: 'long' } });
  const pages = featureView({
    name: 'pages',
    entity: user,
    source: sourceOf('int'),
    features: { n: count(), distinct: countDistinct(col('page')) },
  });
  await apply(user, sourceOf('int'), pages);
  const at = Date.now() - 1000;
  await publish('clicks', { at, user: 7, page: 1 }, { at, user: -7, page: 1 });
  await running.restart();
  await apply(sourceOf('long'));
  const large = 2 ** 53 - 1;
  await publish(
    'clicks',
    { at, user: large, page: large },
    { at, user: 7, page: -large },
    { at, user: 7, page: 1 },
  );
  for (const restart of [false, true]) {
    if (restart) await running.restart();
    expect(await read('pages', ['n', 'distinct'], { user: large })).toEqual([1, 1]);
    expect(await read('pages', ['n', 'distinct'], { user: 7 })).toEqual([3, 2]);
    expect(await read('pages', ['n', 'distinct'], { user: -7 })).toEqual([1, 1]);
  }
});
