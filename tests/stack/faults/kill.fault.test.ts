/**
 * Each server is killed with SIGKILL under load, one at a time, and started again. Every
 * acknowledged event is counted once, and no read is wrong meanwhile: each is the state after some
 * prefix of the entity's events, and has only `present` values. The time until the platform has
 * caught up is printed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { col, count, entity, featureView, source, sum } from '#domain/definitions/index.ts';
import { openStack, type Stack } from '#infra/stack/stack.ts';
import type { ServerName } from '#infra/stack/versions.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import {
  caller,
  type StackPlatform,
  stackPlatform,
  uniqueName,
  until,
} from '#tests/stack/support/platform.ts';
import { plain } from '#tests/support/platform.ts';

const shop = entity({ name: uniqueName('shop'), keys: { shop: 'string' } });
const sales = source({
  name: uniqueName('sales'),
  fields: { t: 'timestamp', shop: 'string', n: 'long' },
  eventTime: 't',
});
const totals = featureView({
  name: uniqueName('totals'),
  entity: shop,
  source: sales,
  features: { events: count({}), sum: sum(col('n')), recent: count({ window: '1h' }) },
});
const features = ['events', 'sum', 'recent'].map((name) => `${totals.name}:${name}`);
const SHOPS = 5;
const entities = Array.from({ length: SHOPS }, (_, i) => ({ shop: `s${i}` }));

let stack: Stack;
let under: StackPlatform;
/**
 * acknowledged events of each shop; each event's n is its number in its shop, so that the sum tells
 * which events are counted
 */
const acknowledged: number[] = new Array(SHOPS).fill(0);
let position = '';

beforeAll(async () => {
  stack = openStack({
    directory: addresses().directory,
    basePort: Number(process.env.MILLRACE_STACK_BASE_PORT),
  });
  under = await stackPlatform();
  await under.platform.registry.apply(plain(shop, sales, totals), {}, caller);
  await publish(20);
  await caughtUp();
});

afterAll(async () => {
  await stack.up();
  await under?.dispose();
});

/** One event for each shop, sent again under the same producer number until it is acknowledged. */
let sequence = 0;
const publish = async (rounds: number): Promise<void> => {
  for (let round = 0; round < rounds; round++) {
    const events = acknowledged.map((n, i) => ({ t: Date.now(), shop: `s${i}`, n: n + 1 }));
    await until(
      'the events are acknowledged',
      async () => {
        try {
          const result = await under.platform.publishing.publish(
            { source: sales.name, events, producer: { id: 'till', sequence } },
            caller,
          );
          expect(result.rejected).toEqual([]);
          position = result.position;
          return true;
        } catch {
          return false;
        }
      },
      180_000,
    );
    sequence += events.length;
    for (let i = 0; i < SHOPS; i++) acknowledged[i] = (acknowledged[i] as number) + 1;
  }
};

/** A read that is answered must be of a prefix: the sum of 1 … n where n events are counted. */
const seen: number[] = new Array(SHOPS).fill(0);
const readOnce = async (): Promise<readonly number[] | null> => {
  const result = await under.platform.serving.read({ features, entities }).catch(() => null);
  if (result === null) return null;
  return result.values.map((values, i) => {
    const [events, total] = values as [number, number | null];
    const n = events;
    expect({ shop: i, n, total }).toEqual({
      shop: i,
      n,
      total: n === 0 ? null : (n * (n + 1)) / 2,
    });
    expect(n).toBeLessThanOrEqual((acknowledged[i] as number) + 1);
    seen[i] = Math.max(seen[i] as number, n);
    return n;
  });
};

const caughtUp = (): Promise<void> =>
  until(
    `all ${acknowledged.join(',')} events are seen; the last read saw ${seen.join(',')}; ${under.warnings.slice(-3).join(' | ')}`,
    async () => {
      const counts = await readOnce();
      return counts?.every((n, i) => n === acknowledged[i]) ?? false;
    },
    180_000,
  );

const VICTIMS: readonly ServerName[] = [
  'redis',
  'lookup',
  'taskmanager',
  'mariadb',
  'registry',
  'sql-gateway',
  'kafka',
  'jobmanager',
];

for (const victim of VICTIMS) {
  test(`${victim} is killed under load, and every acknowledged event is counted once`, {
    timeout: 400_000,
  }, async () => {
    let loading = true;
    const load = (async () => {
      while (loading) {
        await publish(1);
        // Load without a limit would take the processor from the server that starts.
        await sleep(5);
      }
    })();
    const reads = (async () => {
      while (loading) {
        await readOnce();
        await sleep(20);
      }
    })();
    let killed = 0;
    let started = 0;
    try {
      await sleep(1_500);
      await stack.kill(victim);
      killed = Date.now();
      await sleep(1_500);
      await stack.start(victim);
      started = Date.now();
      await sleep(1_000);
    } finally {
      // The load of a failed test would run during the next one.
      loading = false;
      await Promise.all([load, reads]);
    }
    await caughtUp();
    console.log(
      `${victim}: up again ${((started - killed) / 1000).toFixed(1)} s after the kill, all caught up ${((Date.now() - started) / 1000).toFixed(1)} s later; ${acknowledged[0]} events a shop`,
    );
    expect(position).not.toBe('');
  });
}
