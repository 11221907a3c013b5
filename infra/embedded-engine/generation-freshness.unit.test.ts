/**
 * How fresh a generation says it is: its completeThrough while it runs, while it catches up, and
 * after it was stopped by an error.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { count, entity, featureView, source } from '#domain/definitions/index.ts';
import type {
  EntityDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import { parseDefinition } from '#domain/definitions/parse.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { degraded, NOT_DEGRADED } from '#domain/ports/degraded.ts';
import type { Value } from '#domain/values/value.ts';
import { sqliteSchemaRegistry } from '#infra/sqlite/schema-registry.ts';
import { viewModes } from '#projections/serving/view-modes.ts';
import { type OpenLog, openLog, temporaryDirectory } from '#tests/contracts/sqlite.ts';
import { type EmbeddedGeneration, openGeneration } from './generation.ts';

const T = Date.parse('2026-01-31T12:00:00Z');
const parsed = <D>(definition: unknown): D =>
  parseDefinition(JSON.parse(JSON.stringify(definition))) as D;
const shop = parsed<EntityDefinition>(entity({ name: 'shop', keys: { shop: 'string' } }));
const sales = source({ name: 'sales', fields: { t: 'timestamp', shop: 'string' }, eventTime: 't' });
const view = featureView({
  name: 'totals',
  entity: entity({ name: 'shop', keys: { shop: 'string' } }),
  source: sales,
  features: { n: count({}) },
});
const from = parsed<SourceDefinition>(sales);
const plan = planView(parsed<FeatureViewDefinition>(view), from, shop);

let directory: ReturnType<typeof temporaryDirectory>;
let open: OpenLog;
let generation: EmbeddedGeneration;
let now = T;

const start = (): Promise<EmbeddedGeneration> =>
  openGeneration(
    { view: 'totals', version: 1, generation: 1, plan, source: from },
    {
      log: open.log,
      schemas: sqliteSchemaRegistry(open.database),
      now: () => now,
      snapshots: { load: async () => null, save: async () => false, drop: () => {} },
      decoders: {
        learn: async () => {},
        decode(_schemaId, value) {
          if (value[0] === 0) throw new Error('a record that cannot be read');
          return { t: now, shop: 'a' };
        },
        knownTime: () => null,
        eventTime: () => now,
      },
    },
  );

const append = (byte: number) =>
  open.log.append({
    records: [
      { topic: 'raw.sales', partition: 0, key: 'a', value: Uint8Array.of(byte), schemaId: 1 },
    ],
  });

beforeEach(async () => {
  now = T;
  directory = temporaryDirectory();
  open = openLog(directory.path, () => now);
  generation = await start();
  await generation.caughtUp();
});
afterEach(async () => {
  await generation.stop();
  await open.close();
  directory.remove();
});

test('while it runs, everything accepted is always in', async () => {
  expect(generation.served.completeThrough(T + 5)).toBe(T + 5);
  await append(1);
  now = T + 100;
  expect(generation.served.completeThrough(now)).toBe(now);
  expect(generation.served.degraded()).toBe(NOT_DEGRADED);
});

test('stopped by an error, it has what came before the event that stopped it, and is engine-stalled; a while later it is also behind', async () => {
  await append(1);
  now = T + 1_000;
  await append(1);
  now = T + 2_000;
  await append(0);
  now = T + 3_000;
  await append(1);
  const { served } = generation;
  expect(generation.error()).not.toBe(null);
  for (const at of [T + 3_000, T + 60_000]) {
    const completeThrough = served.completeThrough(at) as number;
    expect(completeThrough).toBeGreaterThanOrEqual(T + 1_000);
    expect(completeThrough).toBeLessThan(T + 2_000);
  }
  expect(served.degraded()).toBe(degraded('engine-stalled'));
  expect(viewModes(served, served.completeThrough(T + 3_000), T + 3_000)).toBe(
    degraded('engine-stalled'),
  );
  expect(viewModes(served, served.completeThrough(T + 60_000), T + 60_000)).toBe(
    degraded('engine-stalled') | degraded('behind'),
  );
});

test('started again, its completeThrough is the log time that it has caught up with', async () => {
  await generation.stop();
  now = T + 10_000;
  await append(1);
  now = T + 20_000;
  generation = await start();
  expect(generation.served.completeThrough(now)).toBe(null);
  await generation.caughtUp();
  expect(generation.served.completeThrough(now)).toBe(now);
});

test('while it computes again what was trimmed, its tiles answer no read', async () => {
  for (let i = 0; i < 3; i++) await append(1);
  const key = plan.keyOf({ shop: 'a' }) as string;
  const read = (): unknown => {
    const out: Value[] = [];
    const outcome = generation.served.read(key, now, out, []);
    return outcome === 'ok' ? out : outcome;
  };
  expect(read()).toEqual([3]);
  await generation.stop();
  await open.log.trim('features.totals', 0, 2);
  generation = await start();
  expect(read()).toBe('needs-history');
  await generation.caughtUp();
  expect(read()).toEqual([3]);
  expect(generation.updatesNeededFrom()).toBe(3);
});
