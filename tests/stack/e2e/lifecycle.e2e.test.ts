/**
 * On the stack: a view that is retired is computed no more, and restored it has every value again;
 * imported events count from their known times in past reads, and in `as-served` sets.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { col, count, entity, featureView, source, sum } from 'millrace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { flinkCluster } from '#infra/flink/cluster.ts';
import { computeJob } from '#infra/flink/sql/names.ts';
import { readValues } from '#infra/training-sets/read-values.ts';
import { finished, plain } from '#tests/support/platform.ts';
import { addresses } from '../support/addresses.ts';
import {
  caller,
  computed,
  type StackPlatform,
  stackPlatform,
  uniqueName,
  until,
} from '../support/platform.ts';

const DAY = 86_400_000;
const OLD = Date.parse('2024-05-01T00:00:00Z');

const name = uniqueName('life');
const view = `${name}_totals`;
const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name,
  fields: { at: 'timestamp', shop: 'string', amount: 'double', known_at: 'timestamp?' },
  eventTime: 'at',
  knownTime: 'known_at',
});
const totals = featureView({
  name: view,
  entity: shop,
  source: sales,
  features: { n: count(), total: sum(col('amount')) },
});

let stack: StackPlatform;
beforeAll(async () => {
  stack = await stackPlatform();
  await stack.platform.registry.apply(plain(shop, sales, totals), {}, caller);
}, 300_000);
afterAll(async () => {
  await stack?.dispose();
});

const publish = (amounts: readonly number[]) =>
  stack.platform.publishing.publish(
    { source: name, events: amounts.map((amount) => ({ at: Date.now(), shop: 'a', amount })) },
    caller,
  );
const read = async (when: { readonly at?: number; readonly known?: number } = {}) =>
  (
    await stack.platform.serving.read({
      features: [`${view}:n`, `${view}:total`],
      entities: [{ shop: 'a' }],
      ...when,
    })
  ).values[0];
const runs = async (): Promise<boolean> =>
  (await flinkCluster(addresses().flink).jobs()).some(
    (job) => job.name.startsWith(computeJob(view, 1).slice(0, -1)) && job.state === 'RUNNING',
  );

test('imported events are known from their known times, before the first live event', async () => {
  const old = [
    { at: OLD, shop: 'a', amount: 10, known_at: OLD + DAY },
    { at: OLD + DAY, shop: 'a', amount: 5, known_at: OLD + 3 * DAY },
  ];
  const imported = await stack.platform.publishing.importHistory(
    { source: name, events: old },
    caller,
  );
  expect(imported).toMatchObject({ accepted: 2, rejected: [] });
  await publish([1, 2]);
  await computed(view, () => stack.platform.operations.status());
  expect(await read()).toEqual([4, 18]);
  const moments = [OLD + DAY - 1, OLD + DAY, OLD + 3 * DAY - 1, OLD + 3 * DAY];
  const wanted = [
    [0, null],
    [1, 10],
    [1, 10],
    [2, 15],
  ];
  for (const [i, at] of moments.entries())
    expect([at, await read({ at, known: at })]).toEqual([at, wanted[i]]);
  const directory = mkdtempSync(join(tmpdir(), 'millrace-life-'));
  const out = join(directory, 'set.parquet');
  const rows = moments.map((at) => ({ shop: 'a', event_timestamp: at }));
  const started = await stack.platform.datasets.start(
    { target: { view }, spine: { rows }, out, mode: 'as-served' },
    caller,
  );
  expect((await finished(stack.platform, started)).error).toBeNull();
  const set = await readValues(out);
  expect(set.map((row) => [row.get('n'), row.get('total')])).toEqual(wanted);
  rmSync(directory, { recursive: true, force: true });
}, 180_000);

test('a retired view is computed no more; restored, it has what came in between', async () => {
  const { registry } = stack.platform;
  await registry.command({ type: 'Retire', data: { kind: 'feature-view', name: view } }, caller);
  await until('its job is gone', async () => !(await runs()), 120_000);
  await expect(read()).rejects.toMatchObject({
    message: expect.stringContaining(`millrace restore ${view}`),
  });
  await publish([100]);
  await registry.command({ type: 'Restore', data: { kind: 'feature-view', name: view } }, caller);
  await until(
    'it is read again',
    async () => {
      const values = await read().catch(() => null);
      return values?.[0] === 5;
    },
    240_000,
  );
  expect(await read()).toEqual([5, 118]);
  await computed(view, () => stack.platform.operations.status());
  expect(await read()).toEqual([5, 118]);
}, 480_000);
