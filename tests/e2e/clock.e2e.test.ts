/** A commit that was made while the machine's clock was a day ahead. */
import { col, count, entity, featureView, source, sum } from 'millrace';
import { expect, test } from 'vitest';
import { caller, plain, testPlatform } from '#tests/support/platform.ts';

const DAY = 86_400_000;
const T = Date.parse('2026-03-10T12:00:00Z');

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { at: 'timestamp', shop: 'string', amount: 'double' },
  eventTime: 'at',
});
const totals = featureView({
  name: 'totals',
  entity: shop,
  source: sales,
  ttl: '6h',
  features: { n: count({ window: '1h' }), all: sum(col('amount')) },
});

test('it is no default time of reads once the clock is right, and is reported until then', async () => {
  let now = T;
  const warnings: string[] = [];
  const on = await testPlatform({ now: () => now, warn: (message) => warnings.push(message) });
  try {
    await on.platform.registry.apply(plain(shop, sales, totals), {}, caller);
    const publish = (at: number) =>
      on.platform.publishing.publish(
        { source: 'sales', events: [{ at, shop: 'a', amount: 1 }] },
        caller,
      );
    const read = (when: { at?: number; known?: number } = {}) =>
      on.platform.serving.read({
        features: ['totals:n', 'totals:all'],
        entities: [{ shop: 'a' }],
        ...when,
      });
    await publish(T - 1000);
    now = T + DAY;
    await publish(T - 500);
    expect(on.platform.operations.degraded()).toEqual([]);
    now = T + 5_000;
    const running = await read();
    expect(running).toMatchObject({ at: now, values: [[2, 2]], degraded: ['clock-behind'] });
    expect(running.known).toBeGreaterThanOrEqual(T + DAY);
    await on.restart();
    expect(warnings.join()).toContain('23h 59m');
    expect(on.platform.operations.degraded()).toEqual(['clock-behind']);
    expect(await read()).toMatchObject({ at: now, values: [[2, 2]], degraded: ['clock-behind'] });
    // What is committed now is known, though its log time leads too.
    await publish(T);
    expect(await read()).toMatchObject({ at: now, values: [[3, 3]] });
    expect(await read({ known: T + 10 })).toMatchObject({ values: [[1, 1]] });
    now = T + DAY + 1000;
    expect((await read()).degraded).toBeUndefined();
    expect(on.platform.operations.degraded()).toEqual([]);
  } finally {
    await on.dispose();
  }
});
