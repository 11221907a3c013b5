/**
 * Every degraded mode, caused for real: servers are killed, or answer late through a proxy. In each
 * mode the answer names it and is right by the same oracle: the state after a prefix of the
 * acknowledged events, with at least those that it claims to be complete through. When the part is
 * back, no mode is named.
 */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ReadResult } from '#domain/api/serving.ts';
import type { DegradedMode } from '#domain/ports/degraded.ts';
import { openStack, type Stack } from '#infra/stack/stack.ts';
import type { ServerName } from '#infra/stack/versions.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import { numberedSales } from '#tests/stack/support/numbered-sales.ts';
import {
  caller,
  computed,
  type StackPlatform,
  stackAddressesOfTest,
  stackPlatform,
  until,
} from '#tests/stack/support/platform.ts';
import { plain } from '#tests/support/platform.ts';
import { openProxy, type TcpProxy } from '#tests/support/tcp-proxy.ts';

const sales = numberedSales();
let stack: Stack;
let redis: TcpProxy;
let lookup: TcpProxy;
let on: StackPlatform;
let position = '';

beforeAll(async () => {
  stack = openStack({
    directory: addresses().directory,
    basePort: Number(process.env.MILLRACE_STACK_BASE_PORT),
  });
  redis = await openProxy(() => [addresses().redis]);
  lookup = await openProxy(() => [addresses().lookup]);
  const all = await stackAddressesOfTest();
  on = await stackPlatform({ addresses: { ...all, redis: redis.address, lookup: lookup.address } });
  await on.platform.registry.apply(plain(...sales.definitions), {}, caller);
  for (let i = 0; i < 20; i++) await publish();
  await computed(sales.view, () => on.platform.operations.status());
  await asUsual();
});

afterAll(async () => {
  redis?.restore();
  await stack?.up();
  await on?.dispose();
  await redis?.close();
  await lookup?.close();
});

const publish = async (): Promise<void> => {
  await until('the events are acknowledged', async () => {
    const result = await on.platform.publishing.publish(sales.round(), caller).catch(() => null);
    if (result !== null) expect(result.rejected).toEqual([]);
    position = result?.position ?? position;
    return result !== null;
  });
  sales.acknowledged.push(Date.now());
};

/** A right answer: its number of rounds, and the modes that it names. */
const read = async (): Promise<{
  readonly n: number;
  readonly modes: readonly DegradedMode[];
  readonly result: ReadResult;
}> => {
  const result = await on.platform.serving.read(sales.query);
  return { n: sales.judge(result), modes: result.degraded ?? [], result };
};

/** All rounds are read, with exactly these modes. */
const readsAllIn = (...wanted: readonly DegradedMode[]): Promise<void> => {
  let last = '';
  return until(`all rounds are read in the modes [${wanted.join()}]`, async () => {
    const { n, modes } = await read();
    last = `${n} of ${sales.acknowledged.length} in [${modes.join()}]`;
    return n === sales.acknowledged.length && modes.join() === wanted.join();
  }).catch((error: Error) => {
    throw new Error(
      `${error.message}; the last read was of ${last}; ${on.warnings.slice(-3).join(' | ')}`,
    );
  });
};
const asUsual = (): Promise<void> => readsAllIn();

/** Reads right answers until one names the mode. */
const readsIn = (mode: DegradedMode): Promise<void> =>
  until(`a read says ${mode}`, async () => (await read()).modes.includes(mode), 90_000);

const counted = async (mode: DegradedMode): Promise<number> => {
  const line = `millrace_degraded_reads_total{mode="${mode}"} `;
  const text = await on.platform.operations.metrics();
  return Number(
    text
      .split('\n')
      .find((one) => one.startsWith(line))
      ?.slice(line.length),
  );
};

const without = async (server: ServerName, work: () => Promise<void>): Promise<void> => {
  await stack.kill(server);
  try {
    await work();
  } finally {
    await stack.start(server);
  }
};

test('Redis is slower than its timeout: the durable tier answers, or raw events until it may', async () => {
  redis.delay(400);
  await readsIn('cache-unavailable');
  await readsAllIn('cache-unavailable');
  expect(on.platform.operations.degraded()).toContain('cache-unavailable');
  expect(await counted('cache-unavailable')).toBeGreaterThan(0);
  redis.delay(0);
  await asUsual();
  expect(on.platform.operations.degraded()).toEqual([]);
});

test('Redis hangs: the same, and no read waits for it', async () => {
  redis.delay(Number.POSITIVE_INFINITY);
  await readsAllIn('cache-unavailable');
  redis.cut();
  redis.delay(0);
  redis.restore();
  await asUsual();
});

test('Redis is killed and starts again empty: answers name cache-filling until it is full', {
  timeout: 180_000,
}, async () => {
  await without('redis', () => readsAllIn('cache-unavailable'));
  await asUsual();
  const client = new Redis({ ...addresses().redis });
  const filling = readsIn('cache-filling');
  await client.flushall();
  await filling;
  client.disconnect();
  await asUsual();
});

test('the durable tier is slow, then gone, while Redis is gone: raw events answer', {
  timeout: 180_000,
}, async () => {
  redis.cut();
  await readsAllIn('cache-unavailable');
  lookup.delay(600);
  await readsAllIn('cache-unavailable', 'durable-slow', 'history-fold');
  lookup.delay(0);
  await readsAllIn('cache-unavailable');
  lookup.cut();
  await readsAllIn('cache-unavailable', 'durable-unavailable', 'history-fold');
  lookup.restore();
  await readsAllIn('cache-unavailable');
  redis.restore();
  await asUsual();
});

test('the durable tier hangs like a stopped process', { timeout: 180_000 }, async () => {
  redis.cut();
  await readsAllIn('cache-unavailable');
  const server = (await stack.status()).find(({ name }) => name === 'lookup')?.pid as number;
  process.kill(server, 'SIGSTOP');
  await readsAllIn('cache-unavailable', 'durable-slow', 'history-fold').finally(() =>
    process.kill(server, 'SIGCONT'),
  );
  await readsAllIn('cache-unavailable');
  redis.restore();
  await asUsual();
});

for (const server of ['taskmanager', 'jobmanager'] as const)
  test(`the ${server} is killed: values stay, and what they lack came after their completeThrough`, {
    timeout: 300_000,
  }, async () => {
    await without(server, async () => {
      await readsIn('engine-stalled');
      await publish();
      const { n, result } = await read();
      expect(result.views[0]?.completeThrough).toBeLessThan(sales.acknowledged.at(-1) as number);
      // A task manager that has lost its job manager continues for a while.
      if (server === 'taskmanager') expect(n).toBe(sales.acknowledged.length - 1);
      await expect(
        on.platform.serving.read({ ...sales.query, after: position, waitMs: 50 }),
      ).rejects.toMatchObject({
        code: 'MR_POSITION_NOT_REACHED',
      });
      await readsIn('behind');
    });
    await until('it computes again', async () => (await read()).modes.length === 0, 200_000);
    await asUsual();
  });

test('the event store is killed: definitions stay as they were, and reads continue', {
  timeout: 180_000,
}, async () => {
  await without('mariadb', () => readsAllIn('registry-stale'));
  await asUsual();
});

test('Kafka is killed: reads are answered from the stores, and no event can be published', {
  timeout: 240_000,
}, async () => {
  await without('kafka', async () => {
    await readsIn('log-unavailable');
    await expect(on.platform.publishing.publish(sales.round(), caller)).rejects.toMatchObject({
      code: 'MR_LOG_UNAVAILABLE',
    });
  });
  await publish();
  await until('all is as usual', async () => (await read()).modes.length === 0, 180_000);
  await asUsual();
});
