/**
 * The bidding example: values stay in Redis for a while after a user's last bid, and in Paimon
 * after that. Reads are compared with values counted here, event by event.
 */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Definition } from '#domain/definitions/model.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import {
  caller,
  computed,
  type StackPlatform,
  stackPlatform,
  uniqueName,
  until,
} from '#tests/stack/support/platform.ts';
import { plain } from '#tests/support/platform.ts';
import { bids, user, userBidScore } from '../../../examples/bidding/features.ts';

const TTL_MS = 8_000;
const FLUSH_MS = 2_000;
const SOURCE = uniqueName('bids');
const VIEW = uniqueName('user_bid_score');
const JOB = `millrace-flush-${VIEW}`;

/** The example with names of this run, and times short enough for a test. */
const definitions = (
  ephemeral: { ttl: string; flush: string } | null = { ttl: '8s', flush: '2s' },
): readonly Definition[] => {
  const text = JSON.stringify(plain(user, bids, userBidScore))
    .replaceAll('"bids"', JSON.stringify(SOURCE))
    .replaceAll('"user_bid_score"', JSON.stringify(VIEW));
  return (JSON.parse(text) as (Definition & { ephemeral?: unknown })[]).map(
    ({ ephemeral: old, ...rest }) => ({
      ...rest,
      ...(old === undefined || ephemeral === null ? {} : { ephemeral }),
    }),
  ) as Definition[];
};

let under: StackPlatform;
let redis: Redis;
const users = Array.from({ length: 12 }, (_, i) => `u${i}`);
const mine = new Map<string, { n: number; score: number; spent: number; won: number }>();
const names = ['score', 'bids_ever', 'spent_1d', 'win_rate_1d'].map((name) => `${VIEW}:${name}`);
const redisKeyOf = async (name: string): Promise<string> => {
  const keys = await redis.keys(`mr:*:{${VIEW}#*}:e:*`);
  return keys.find((key) => key.endsWith(name)) ?? '';
};

const bid = async (who: readonly string[]): Promise<void> => {
  const events = who.map((name, i) => ({
    t: Date.now(),
    user: name,
    campaign: 'c',
    price: i + 1,
    won: i % 2 === 0,
    score: Math.random(),
  }));
  expect(await under.platform.publishing.publish({ source: SOURCE, events }, caller)).toMatchObject(
    {
      accepted: who.length,
    },
  );
  for (const { user: name, price, won, score } of events) {
    const sums = mine.get(name) ?? { n: 0, score: 0, spent: 0, won: 0 };
    mine.set(name, {
      n: sums.n + 1,
      score,
      spent: sums.spent + (won ? price : 0),
      won: sums.won + (won ? 1 : 0),
    });
  }
};
const read = async (who: readonly string[]) =>
  (
    await under.platform.serving.read({
      features: names,
      entities: who.map((name) => ({ user: name })),
    })
  ).values;
const wanted = (who: readonly string[]) =>
  who.map((name) => {
    const sums = mine.get(name);
    return sums === undefined
      ? [null, 0n, 0, null]
      : [sums.score, sums.n, sums.spent, sums.won / sums.n];
  });
const same = async (who: readonly string[]): Promise<boolean> => {
  const values = await read(who);
  return (
    JSON.stringify(values.map((row) => row.map((v) => (v === null ? v : Number(v))))) ===
    JSON.stringify(wanted(who))
  );
};
const served = async () =>
  (await under.platform.operations.status()).readsByStore as {
    cache: number;
    durable: number;
    history: number;
  };
const jobs = async () =>
  ((await under.platform.operations.status()).jobs ?? []).map(({ name }) => name);

beforeAll(async () => {
  redis = new Redis(addresses().redis);
  under = await stackPlatform();
  await under.platform.registry.apply(definitions(), {}, caller);
  await bid(users);
  await computed(VIEW, () => under.platform.operations.status());
});
afterAll(async () => {
  await under?.dispose();
  redis?.disconnect();
});

test('values are in Redis for the view’s time to live, and read from there', async () => {
  await bid(users);
  await until('all is counted, and Redis answers', async () => {
    const before = await served();
    // Raw events answer before Redis does, and are ahead of it.
    if (!(await same(users))) return false;
    return (await served()).cache === before.cache + users.length;
  });
  const left = await redis.pttl(await redisKeyOf('u3'));
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(TTL_MS);
});

test('a job of its own flushes the values at the view’s interval', async () => {
  await until('the job is seen', async () => (await jobs()).includes(JOB));
  const all = (await (await fetch(`${addresses().flink}/jobs/overview`)).json()) as {
    jobs: { jid: string; name: string; state: string }[];
  };
  const { jid } = all.jobs.find(({ name, state }) => name === JOB && state === 'RUNNING') as {
    jid: string;
  };
  const config = (await (
    await fetch(`${addresses().flink}/jobs/${jid}/checkpoints/config`)
  ).json()) as { interval: number };
  expect(config.interval).toBe(FLUSH_MS);
});

test('past the time to live the values are gone from Redis and read from Paimon, without raw events', async () => {
  await until(
    'Redis has let them go',
    async () => (await redis.keys(`mr:*:{${VIEW}#*}:e:*`)).length === 0,
  );
  expect(await redis.keys(`mr:*:{${VIEW}#1}:ready`)).toHaveLength(1);
  await until('Paimon answers', async () => {
    const before = await served();
    expect(await same(users)).toBe(true);
    return (await served()).durable === before.durable + users.length;
  });
});

test('the values of a user who comes back continue from the earlier ones, in Redis again', async () => {
  await bid(['u1', 'u2']);
  await until('old and new are counted', () => same(users));
  await until('Redis has the two whole', async () => {
    const before = await served();
    expect(await same(['u1', 'u2'])).toBe(true);
    return (await served()).cache === before.cache + 2;
  });
  expect((await redis.keys(`mr:*:{${VIEW}#*}:e:*`)).length).toBe(2);
});

test('with Redis emptied between two flushes no read goes back', async () => {
  const counted = async (): Promise<number> =>
    (await read(users)).reduce((sum, row) => sum + Number(row[1] ?? 0), 0);
  for (let round = 0; round < 3; round++) {
    await bid(users);
    await until('all is counted', () => same(users));
    const before = await counted();
    await redis.flushall();
    const end = Date.now() + 3_000;
    do expect(await counted()).toBeGreaterThanOrEqual(before);
    while (Date.now() < end);
  }
  await until('Redis answers again', async () => {
    const before = await served();
    expect(await same(users)).toBe(true);
    return (await served()).cache === before.cache + users.length;
  });
});

test('a view that becomes durable and then ephemeral again loses and repeats nothing, and only one job writes it', async () => {
  await under.platform.registry.apply(definitions(null), {}, caller);
  await bid(users);
  await until('the flush job has ended', async () => !(await jobs()).includes(JOB));
  await until('all is counted', () => same(users));
  await until('keys stay', async () => (await redis.pttl(await redisKeyOf('u3'))) === -1);
  await under.platform.registry.apply(definitions(), {}, caller);
  await bid(users);
  await until('the flush job runs', async () => (await jobs()).includes(JOB));
  await until('all is counted', () => same(users));
  await until(
    'Redis lets them go',
    async () => (await redis.keys(`mr:*:{${VIEW}#*}:e:*`)).length === 0,
  );
  await until('Paimon answers', async () => {
    const before = await served();
    expect(await same(users)).toBe(true);
    return (await served()).durable === before.durable + users.length;
  });
});

test('a time to live that could end before the values are flushed is refused', async () => {
  await expect(
    under.platform.registry.apply(definitions({ ttl: '5s', flush: '2s' }), {}, caller),
  ).rejects.toMatchObject({
    code: 'MR_DEFINITION_INVALID',
    message: expect.stringMatching(
      /ephemeral.ttl 5s must be at least three times ephemeral.flush 2s/,
    ),
  });
});
