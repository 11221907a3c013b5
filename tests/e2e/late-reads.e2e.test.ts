/** A late event counts in no read, whichever way it is answered, and in event-time sets only. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { count, entity, featureView, source } from 'millrace';
import { expect, test } from 'vitest';
import { readValues } from '#infra/training-sets/read-values.ts';
import { caller, finished, plain, testPlatform } from '#tests/support/platform.ts';

const T = Date.parse('2026-03-10T12:30:00Z');
const HOUR = 3_600_000;

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { at: 'timestamp', shop: 'string' },
  eventTime: 'at',
});
const totals = featureView({
  name: 'totals',
  entity: shop,
  source: sales,
  lateness: '1h',
  features: { n: count({ window: '6h', hop: '1h' }) },
});

test('tiles, raw events, explanations and as-served sets leave it out alike', async () => {
  const on = await testPlatform({ now: () => T });
  const directory = mkdtempSync(join(tmpdir(), 'millrace-late-'));
  try {
    const { platform } = on;
    await platform.registry.apply(plain(shop, sales, totals), {}, caller);
    for (const at of [T - 5 * HOUR, T, T - 4 * HOUR])
      await platform.publishing.publish({ source: 'sales', events: [{ at, shop: 'a' }] }, caller);
    expect((await platform.operations.late('totals', {})).total).toBe(1);
    const request = { features: ['totals:n'], entities: [{ shop: 'a' }] };
    const read = async (when: { at?: number; known?: number } = {}) =>
      (await platform.serving.read({ ...request, ...when })).values[0]?.[0];
    expect(await read()).toBe(2);
    expect(await read({ at: T - HOUR })).toBe(1);
    expect(await read({ at: T - HOUR, known: T })).toBe(1);
    for (const when of [{}, { at: T - HOUR }, { known: T - 1 }]) {
      const why = await platform.serving.explain({
        view: 'totals',
        feature: 'n',
        entity: { shop: 'a' },
        ...when,
      });
      expect([when, why.matches]).toEqual([when, true]);
    }
    const setOf = async (mode: 'event-time' | 'as-served'): Promise<unknown> => {
      const out = join(directory, `${mode}.parquet`);
      const rows = [{ shop: 'a', event_timestamp: T }];
      const target = { view: 'totals' };
      const request = { target, spine: { rows }, out, mode };
      const set = await finished(platform, await platform.datasets.start(request, caller));
      expect(set.error).toBeNull();
      return (await readValues(out))[0]?.get('n');
    };
    expect(await setOf('as-served')).toBe(2);
    expect(await setOf('event-time')).toBe(3);
  } finally {
    await on.dispose();
    rmSync(directory, { recursive: true, force: true });
  }
});
