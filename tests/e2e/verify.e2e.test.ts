/** `millrace verify` and `millrace repair`, as an operator runs them. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { col, entity, featureView, source, sum } from 'millrace';
import { expect, test } from 'vitest';
import { runInProcess } from '#tests/support/cli.ts';
import { caller, plain, testPlatform } from '#tests/support/platform.ts';

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
  features: { all: sum(col('amount')) },
});

test('damage is found, named and repaired, and a whole directory has none', async () => {
  const on = await testPlatform();
  const { directory } = on;
  try {
    await on.platform.registry.apply(plain(shop, sales, totals), {}, caller);
    const events = [1, 2, 3].map((n) => ({ at: Date.now() - n, shop: 'a', amount: n }));
    await on.platform.publishing.publish({ source: 'sales', events }, caller);
    const running = await runInProcess(['verify', '--data', directory, '--deep'], {});
    expect(running).toMatchObject({ status: 0, err: '' });
    expect(running.out).toMatch(/^checked and decoded \d+ records, \d+ commits, 0 states/);
    await expect(runInProcess(['repair', '--data', directory], {})).resolves.toMatchObject({
      status: 1,
      err: expect.stringContaining('MR_DATA_DIR_LOCKED'),
    });

    await on.platform.close();
    const states = join(directory, 'state');
    const name = 'totals.1.state';
    const state = readFileSync(join(states, name));
    state[state.length - 1] = (state.at(-1) as number) ^ 1;
    writeFileSync(join(states, name), state);

    const found = await runInProcess(['verify', '--data', directory], {});
    expect(found.status).toBe(1);
    expect(found.out).toContain(name);
    expect(found.out).toContain('can build it again from the log');
    expect(found.err).toMatch(/^error MR_DATA_DAMAGED: one part of .* is damaged/);
    const asJson = await runInProcess(['--json', 'verify', '--data', directory], {});
    expect(JSON.parse(asJson.out)).toMatchObject({
      damage: [{ part: 'state', what: join(states, name) }],
    });
    expect(asJson.status).toBe(1);

    const repaired = await runInProcess(['repair', '--data', directory], {});
    expect(repaired).toMatchObject({ status: 0, err: '' });
    expect(repaired.out).toContain('it is built again at the next start');
    expect((await runInProcess(['verify', '--data', directory], {})).status).toBe(0);
    expect((await runInProcess(['repair', '--data', directory], {})).out).toBe(
      'nothing is damaged\n',
    );
    const platform = await on.restart();
    const { values } = await platform.serving.read({
      features: ['totals:all'],
      entities: [{ shop: 'a' }],
    });
    expect(values).toEqual([[6]]);
    expect(await runInProcess(['verify', '--data', join(directory, 'nowhere')], {})).toMatchObject({
      status: 1,
      err: expect.stringContaining('is no data directory'),
    });
  } finally {
    await on.dispose();
  }
});

test('a view that is computed anew after a clean stop counts each event once', async () => {
  const on = await testPlatform();
  const { directory } = on;
  try {
    await on.platform.registry.apply(plain(shop, sales, totals), {}, caller);
    const events = [1, 2, 3].map((n) => ({ at: Date.now() - n, shop: 'a', amount: n }));
    for (const event of events)
      await on.platform.publishing.publish({ source: 'sales', events: [event] }, caller);
    await on.platform.close();
    const db = new DatabaseSync(join(directory, 'millrace.db'));
    const { changes } = db
      .prepare(
        `UPDATE log_batch SET data = zeroblob(length(data))
         WHERE partition_id IN (SELECT id FROM log_partition WHERE topic = 'features.totals')
           AND base = 0`,
      )
      .run();
    db.close();
    expect(changes).toBe(1);
    expect(readdirSync(join(directory, 'state')).sort()).toEqual([
      'totals.1.1.parts',
      'totals.1.state',
    ]);
    const repaired = await runInProcess(['repair', '--data', directory], {});
    expect(repaired).toMatchObject({ status: 0, err: '' });
    expect(repaired.out).toContain('it is computed anew at the next start');
    const platform = await on.restart();
    const read = () =>
      platform.serving.read({ features: ['totals:all'], entities: [{ shop: 'a' }] });
    // Until it is computed, reads use raw events.
    while ((await read()).degraded?.includes('history-fold')) await sleep(5);
    expect((await read()).values).toEqual([[6]]);
  } finally {
    await on.dispose();
  }
});
