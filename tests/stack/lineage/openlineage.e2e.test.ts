/**
 * OpenLineage on the stack: two gateways on one registry emit each commit once, in order. The
 * leader delivers, including the other's data sets.
 */
import { count, entity, featureView, source } from 'millrace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LineageSettings } from '#infra/openlineage/settings.ts';
import type { LineageEvent, RunEvent } from '#projections/lineage/event.ts';
import {
  caller,
  type StackPlatform,
  stackPlatform,
  uniqueName,
  until,
} from '#tests/stack/support/platform.ts';
import { plain } from '#tests/support/platform.ts';
import { line, type Receiver, startReceiver } from '#tests/telemetry/openlineage/receiver.ts';
import { openLineageCheck } from '#tests/telemetry/openlineage/schemas.ts';

const shop = entity({ name: uniqueName('shop'), keys: { shop: 'string' } });
const sales = source({
  name: uniqueName('sales'),
  fields: { shop: 'string', at: 'timestamp' },
  eventTime: 'at',
});
const turnover = featureView({
  name: uniqueName('turnover'),
  entity: shop,
  source: sales,
  features: { sales: count() },
});

let receiver: Receiver;
let [one, other]: (StackPlatform | undefined)[] = [];
beforeAll(async () => {
  receiver = await startReceiver();
  const target = { kind: 'http', url: receiver.url, apiKey: null, gzip: true } as const;
  const lineage: LineageSettings = { namespace: uniqueName('ns'), target, everyMs: 3_600_000 };
  one = await stackPlatform({ lineage });
  other = await stackPlatform({ lineage });
}, 120_000);
afterAll(async () => {
  await other?.dispose();
  await one?.dispose();
  await receiver.close();
});

test('the leader emits registry changes, runs and a data set of the other gateway', async () => {
  const [first, second] = [one as StackPlatform, other as StackPlatform];
  await first.platform.registry.apply(plain(shop, sales), {}, caller);
  await until('the other has heard of them', async () =>
    (await second.platform.registry.list('source')).some(({ name }) => name === sales.name),
  );
  await second.platform.registry.apply(plain(turnover), {}, caller);
  await first.platform.publishing.publish(
    { source: sales.name, events: [{ shop: 'a', at: Date.now() }] },
    caller,
  );
  const live = `RUNNING compute.${turnover.name}`;
  await receiver.until((all) => all.filter((event) => line(event) === live).length >= 2);
  // Its status follows the registry, a moment later.
  const feature = `${turnover.name}:${Object.keys(turnover.features)[0]}`;
  await until('the other gateway serves it', async () =>
    second.platform.serving.read({ features: [feature], entities: [] }, caller).then(
      () => true,
      ({ code }: { readonly code?: string }) =>
        code === 'MR_VIEW_NOT_READY' ? false : Promise.reject(new Error(code)),
    ),
  );
  const spine = { rows: [{ shop: 'a', event_timestamp: Date.now() }] };
  await second.platform.datasets.start(
    { target: { view: turnover.name }, spine, mode: 'event-time' },
    caller,
  );
  const done = `COMPLETE dataset.${turnover.name}`;
  const events = await receiver.until((all) => all.some((event) => line(event) === done));

  expect(events.flatMap(openLineageCheck())).toEqual([]);
  expect(events.map(line)).toEqual([
    `dataset entity.${shop.name}`,
    `dataset raw.${sales.name}`,
    `dataset features.${turnover.name}`,
    `job compute.${turnover.name}`,
    `START compute.${turnover.name}`,
    live,
    live,
    `START dataset.${turnover.name}`,
    done,
  ]);
  const namespaces = (event: LineageEvent | undefined) =>
    (event as RunEvent).outputs.map(({ namespace }) => namespace.replace(/:.*/, ''));
  expect(namespaces(events[4]).slice(1)).toEqual(['redis', 'file', 'file']);
  expect(JSON.stringify(events[1])).toMatch(/"kafka:\/\/[^"]+","name":"raw\./);
  expect(JSON.stringify((events[4] as RunEvent).run.facets)).toContain('"name":"flink"');
}, 180_000);
