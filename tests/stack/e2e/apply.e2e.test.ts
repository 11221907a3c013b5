/**
 * A new view on the stack can be read before Flink has its job: raw events answer, to every
 * position, and the tiles take over without going back. While the test holds the leader's lock, no
 * gateway starts a job.
 */
import mysql from 'mysql2/promise';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PlatformStatus } from '#domain/api/operations.ts';
import type { ReadRequest, ReadResult } from '#domain/api/serving.ts';
import { col, count, entity, featureView, source, sum } from '#domain/definitions/index.ts';
import {
  caller,
  type StackPlatform,
  stackAddressesOfTest,
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
  partitions: 2,
});
const totals = featureView({
  name: uniqueName('totals'),
  entity: shop,
  source: sales,
  features: { events: count({}), sum: sum(col('n')), recent: count({ window: '1h' }) },
});
const read: ReadRequest = {
  features: ['events', 'sum', 'recent'].map((name) => `${totals.name}:${name}`),
  entities: [{ shop: 'a' }, { shop: 'b' }],
};

let stack: StackPlatform;
let lock: mysql.Connection;
let sent = 0;

beforeAll(async () => {
  lock = await mysql.createConnection((await stackAddressesOfTest()).mysql);
  await lock.query("SELECT GET_LOCK('millrace.jobs', 30)");
  stack = await stackPlatform({}, { waits: false });
});
afterAll(async () => {
  await lock?.end();
  await stack?.dispose();
});

/** One event: it has a transaction of its own. Resolves with its position. */
const publish = async (): Promise<string> => {
  const event = { t: Date.now(), shop: sent % 2 === 0 ? 'a' : 'b', n: ++sent };
  const { position, accepted } = await stack.platform.publishing.publish(
    { source: sales.name, events: [event] },
    caller,
  );
  expect(accepted).toBe(1);
  return position;
};

/** What the first `n` events make. */
const expected = (n: number): readonly (readonly (number | null)[])[] =>
  [1, 2].map((first) => {
    const mine = Array.from({ length: n }, (_, i) => i + 1).filter((x) => x % 2 === first % 2);
    return [mine.length, mine.length === 0 ? null : mine.reduce((a, b) => a + b, 0), mine.length];
  });
const numbers = ({ values }: ReadResult): readonly unknown[] =>
  values.map((row) => row.map((value) => (value === null ? null : Number(value))));
const statusOf = async (): Promise<PlatformStatus['views'][number]> => {
  const { views } = await stack.platform.operations.status();
  return views.find(({ view }) => view === totals.name) as PlatformStatus['views'][number];
};

test('without any job, reads of a new view have each event that they ask for', async () => {
  await stack.platform.registry.apply(plain(shop, sales, totals), {}, caller);
  expect(numbers(await stack.platform.serving.read(read))).toEqual([
    [0, null, 0],
    [0, null, 0],
  ]);
  for (let i = 0; i < 7; i++) {
    const after = await publish();
    const answer = await stack.platform.serving.read({ ...read, after });
    expect(numbers(answer)).toEqual(expected(sent));
    expect(answer.degraded).toEqual(['history-fold']);
    expect(answer.views[0]?.position).toContain('raw.');
  }
  const explained = await stack.platform.serving.explain({
    view: totals.name,
    feature: 'sum',
    entity: { shop: 'a' },
  });
  expect(JSON.stringify(explained)).toContain(String(expected(sent)[0]?.[1]));
  expect(stack.platform.operations.degraded()).toContain('history-fold');
  await until('its job is known to be missing', async () => (await statusOf()).job !== undefined);
  expect(await statusOf()).toMatchObject({
    state: 'filling',
    readable: true,
    error: null,
    job: { state: 'starting' },
  });
});

test('the status counts events, not offsets', async () => {
  await expect(
    stack.platform.publishing.publish({ source: sales.name, events: [{ shop: 'a' }] }, caller),
  ).resolves.toMatchObject({ accepted: 0 });
  const { sources } = await stack.platform.operations.status();
  expect(sources.find((one) => one.source === sales.name)).toMatchObject({
    events: sent,
    rejected: 1,
  });
});

test('tiles take over, and no answer has less than one before it', async () => {
  await lock.query("SELECT RELEASE_LOCK('millrace.jobs')");
  let folds = 0;
  await until(
    'tiles answer',
    async () => {
      const after = await publish();
      const known = sent;
      const answer = await stack.platform.serving
        .read({ ...read, after })
        .catch((error: { readonly code?: string }) => {
          // Tiles have it a little later.
          if (error.code === 'MR_POSITION_NOT_REACHED') return null;
          throw error;
        });
      if (answer === null) return false;
      expect(numbers(answer)).toEqual(expected(known));
      const folded = answer.degraded?.includes('history-fold') === true;
      if (folded) folds++;
      return !folded && (await statusOf()).state === 'live';
    },
    240_000,
  );
  expect(folds).toBeGreaterThan(0);
  // Without a position to wait for, too.
  expect(numbers(await stack.platform.serving.read(read))).toEqual(expected(sent));
  expect(await statusOf()).toMatchObject({ state: 'live', readable: true });
});

test('the status counts the same events when the history has them', async () => {
  const { platform } = stack;
  const mine = async () =>
    (await platform.operations.status()).sources.find((one) => one.source === sales.name);
  await until(
    'the history has events',
    async () => !/@0:0,1:0$/.test((await mine())?.historyPosition ?? '@0:0,1:0'),
  );
  await publish();
  expect(await mine()).toMatchObject({ events: sent, rejected: 1 });
});

test('a replay of a part is refused with what to do, and starts nothing', async () => {
  const { platform } = stack;
  for (const part of [{ from: 0 }, { to: Date.now() }, { entities: [{ shop: 'a' }] }])
    await expect(
      platform.replays.start({ view: totals.name, ...part }, caller),
    ).rejects.toMatchObject({
      code: 'MR_REFUSED',
      message: expect.stringContaining(`replay the whole view "${totals.name}"`),
    });
  expect((await platform.replays.list()).filter(({ view }) => view === totals.name)).toEqual([]);
});
