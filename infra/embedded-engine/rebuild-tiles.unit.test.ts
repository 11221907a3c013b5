/** A generation that is opened again goes on from its states, or is computed anew without them. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { col, count, entity, featureView, last, source } from '#domain/definitions/index.ts';
import type { FeatureStatus } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import type { Value } from '#domain/values/value.ts';
import { sqliteSchemaRegistry } from '#infra/sqlite/schema-registry.ts';
import { type OpenLog, openLog, temporaryDirectory } from '#tests/contracts/sqlite.ts';
import { type EmbeddedGeneration, openGeneration } from './generation.ts';
import { openSnapshots } from './snapshots.ts';

const PLATFORM = '5e0b6b0e-6e8c-4b52-9a2e-3d1f0c7a9b11';

const T = Date.parse('2026-01-31T12:00:00Z');
const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sourceOf = (type: 'int' | 'double') =>
  source({ name: 'sales', fields: { t: 'timestamp', shop: 'string', n: type }, eventTime: 't' });
const few = { n: count({}), newest: last(col('n')) };
const more = { ...few, newest_next: last(col('n').plus(1)) };

let directory: ReturnType<typeof temporaryDirectory>;
let open: OpenLog;
let decoded = 0;

beforeEach(() => {
  decoded = 0;
  directory = temporaryDirectory();
  open = openLog(directory.path, () => T);
});
afterEach(async () => {
  await open.close();
  directory.remove();
});

const start = async (type: 'int' | 'double', features: typeof few): Promise<EmbeddedGeneration> => {
  const from = sourceOf(type);
  const view = featureView({ name: 'totals', entity: shop, source: from, features });
  const generation = await openGeneration(
    {
      view: 'totals',
      version: 1,
      generation: 1,
      plan: planView(JSON.parse(JSON.stringify(view)) as typeof view, from, shop),
      source: from,
    },
    {
      log: open.log,
      schemas: sqliteSchemaRegistry(open.database),
      now: () => T,
      snapshots: openSnapshots({
        directory: `${directory.path}/state`,
        platform: PLATFORM,
        warn: (message) => expect.unreachable(message),
      }),
      decoders: {
        learn: async () => {},
        decode(_schemaId, value) {
          decoded++;
          return { t: T, shop: 'a', n: (value[0] as number) / 2 };
        },
        eventTime: () => T,
        knownTime: () => null,
      },
    },
  );
  await generation.caughtUp();
  return generation;
};
const append = (byte: number) =>
  open.log.append({
    records: [
      { topic: 'raw.sales', partition: 0, key: 'a', value: Uint8Array.of(byte), schemaId: 1 },
    ],
  });
const read = (generation: EmbeddedGeneration): readonly Value[] => {
  const values: Value[] = [];
  const status: FeatureStatus[] = [];
  expect(generation.served.read('a', T, values, status)).toBe('ok');
  return values;
};

test.each([true, false])(
  'with a wider source it reads no event again (saved: %s)',
  async (saved) => {
    const before = await start('int', few);
    await append(2);
    await append(4);
    await before.stop();
    if (saved) await before.save(1);
    const after = await start('double', few);
    expect(decoded).toBe(2);
    expect(read(after)).toEqual([2, 2]);
    await append(5);
    expect(read(after)).toEqual([3, 2.5]);
    await after.stop();
  },
);

test('where its updates lack a state, it is computed anew from all events', async () => {
  const before = await start('int', few);
  await append(2);
  await append(4);
  await before.stop();
  const after = await start('int', more);
  expect(decoded).toBe(4);
  expect(read(after)).toEqual([2, 2, 3]);
  await append(6);
  await after.stop();
  const again = await start('int', more);
  expect(decoded).toBe(5);
  expect(read(again)).toEqual([3, 3, 4]);
  await again.stop();
});
