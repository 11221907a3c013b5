/**
 * Several processes follow one registry: the events of each commit are on the topic once, in order,
 * whichever process was faster; a new namespace starts from the first commit.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { count, entity, featureView, source } from 'millrace';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Definition } from '#domain/definitions/model.ts';
import type { EventStore } from '#domain/ports/event-store.ts';
import { LINEAGE_TOPIC } from '#domain/ports/topics.ts';
import { REGISTERED } from '#domain/registry/events.ts';
import { openRuns } from '#infra/openlineage/open-runs.ts';
import { sqliteEventStore } from '#infra/sqlite/event-store.ts';
import { sqliteSchemaRegistry } from '#infra/sqlite/schema-registry.ts';
import type { LineageEvent } from '#projections/lineage/event.ts';
import { type Lineage, openLineage } from '#projections/lineage/lineage.ts';
import { NOWHERE } from '#projections/lineage/names.ts';
import { registryLineage } from '#projections/lineage/registry-lineage.ts';
import { type OpenLog, openLog, temporaryDirectory } from '#tests/contracts/sqlite.ts';

const emitterOf = (namespace: string) => ({
  namespace,
  producer: 'urn:x',
  engine: { name: 'e', version: '1' },
  places: NOWHERE,
});

let directory: ReturnType<typeof temporaryDirectory>;
let open: OpenLog;
let store: EventStore;
let opened: Lineage[] = [];
beforeEach(() => {
  directory = temporaryDirectory();
  open = openLog(directory.path);
  store = sqliteEventStore(open.database);
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  await open.close();
  directory.remove();
});

/**
 * @param turns in which of its reads a process is slow, so that now this one is quicker, now that
 * one
 */
const start = async (
  namespace = 'n',
  turns: (read: number) => boolean = () => false,
): Promise<Lineage> => {
  let reads = 0;
  const mine: EventStore = {
    ...store,
    async readAll(position, limit) {
      const commits = await store.readAll(position, limit);
      if (turns(reads++)) await sleep(5);
      return commits;
    },
  };
  const one = await openLineage({
    emitter: emitterOf(namespace),
    everyMs: 3_600_000,
    transport: null,
    openRuns: (onAbandoned) => openRuns(directory.path, onAbandoned),
    log: open.log,
    schemas: sqliteSchemaRegistry(open.database),
    eventStore: mine,
    running: () => [],
    leads: () => true,
    now: () => 0,
    warn: () => {},
  });
  opened.push(one);
  return one;
};

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { shop: 'string', at: 'timestamp' },
  eventTime: 'at',
});
const view = (n: number): Definition =>
  featureView({ name: `v${n}`, entity: shop, source: sales, features: { n: count() } });
const commit = async (definition: Definition): Promise<void> => {
  const stream = `${definition.kind}/${definition.name}`;
  const { version } = await store.readStream(stream);
  const events = [
    { type: REGISTERED[definition.kind], data: { version: version + 1, definition } },
  ];
  const command = {
    id: `${stream}@${version}`,
    type: 'Register',
    data: null,
    actor: 'a',
    reason: null,
    time: 1000,
  };
  await store.append({ stream, command, events, refusal: null }, version);
};
const expected = async (namespace = 'n'): Promise<readonly LineageEvent[]> => {
  const fold = registryLineage(emitterOf(namespace));
  return (await store.readAll(0, 1000)).flatMap((one) => [...fold.next(one)]);
};
const eventsOf = async (lineage: Lineage): Promise<readonly LineageEvent[]> => {
  while ((await lineage.stats()).behind > 0) await sleep(2);
  return (await lineage.events(0, 10_000)).records.map(
    ({ event }) => JSON.parse(event) as LineageEvent,
  );
};

test('three at once, and one that comes later', async () => {
  await commit(shop);
  await commit(sales);
  const three = await Promise.all(
    [0, 1, 2].map((i) => start('n', (read) => Math.floor(read / 3) % 3 !== i)),
  );
  for (let n = 0; n < 40; n++) {
    await commit(view(n % 10));
    await sleep(n % 4);
  }
  for (const one of three) await eventsOf(one);
  const later = await start();
  await commit(view(99));
  const events = await eventsOf(later);
  expect(events.length).toBeGreaterThan(80);
  expect(events).toEqual(await expected());
  // The source of a view is in its events only where the source's commits were folded in before.
  expect(JSON.stringify(events.at(-1))).toContain('"field":"shop"');
  expect((await open.log.end(LINEAGE_TOPIC))[0]).toBe(events.length);
});

test('stopped and started, it goes on; under another namespace it emits everything', async () => {
  await commit(shop);
  const first = await start();
  await eventsOf(first);
  await first.close();
  opened = [];
  await commit(sales);
  expect(await eventsOf(await start())).toEqual(await expected());
  expect(await eventsOf(await start('m'))).toEqual([
    ...(await expected()),
    ...(await expected('m')),
  ]);
});

test('an event of a data set that cannot be made is counted, and the data set is not affected', async () => {
  const one = await start();
  directory.remove();
  expect(() =>
    one.datasetChanged({
      status: { id: 'ds-1', state: 'running' },
      request: { spine: { rows: [] } },
    } as never),
  ).not.toThrow();
  expect(await one.stats()).toMatchObject({ lost: 1, failing: false });
});
