/**
 * A platform of the stack under load: two gateways, each with a numbered producer of its own, and
 * definitions that are applied meanwhile. The amount of an event says which one it is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { entity } from 'millrace';
import type { Platform } from '#domain/api/platform.ts';
import {
  type Click,
  clicks,
  randomOf,
  readTotals,
  totals,
  totalsOfClicks,
  user,
  usersOf,
} from '#tests/support/clicks.ts';
import { caller, plain } from '#tests/support/platform.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const BATCH = 6;
export const PRODUCERS = ['first', 'second'] as const;
export const USERS = usersOf(8);

export interface World {
  /** event `i` of a producer */
  readonly clickAt: (producer: number, i: number) => Click;
  /** events that each producer has been told are accepted */
  readonly accepted: () => readonly [number, number];
  readonly stop: () => Promise<void>;
}

export const define = (platform: Platform): Promise<unknown> =>
  platform.registry.apply(plain(user, clicks, totals), {}, caller);

export const publishNext = async (
  platform: Platform,
  { clickAt }: Pick<World, 'clickAt'>,
  producer: number,
  from: number,
): Promise<void> => {
  const events = Array.from({ length: BATCH }, (_, k) => ({ ...clickAt(producer, from + k) }));
  const numbered = { id: PRODUCERS[producer] as string, sequence: from };
  await platform.publishing.publish({ source: 'clicks', events, producer: numbered }, caller);
};

export const startWorld = (gateways: readonly [Platform, Platform], seed: number): World => {
  const random = randomOf(seed);
  const start = Date.now() - 3 * DAY;
  const clickAt: World['clickAt'] = (producer, i) => {
    const amount = 2 * i + producer;
    return {
      user: USERS[Math.floor(random(amount) * USERS.length)] as string,
      at: start + i * 30_000,
      amount,
    };
  };
  const accepted: [number, number] = [0, 0];
  let stopped = false;
  const publishing = gateways.map(async (gateway, producer) => {
    for (let i = 0; !stopped; i += BATCH) {
      await publishNext(gateway, { clickAt }, producer, i);
      accepted[producer] = i + BATCH;
      await sleep(30 + random(500_000 + i) * 90);
    }
  });
  const changing = (async () => {
    for (let n = 0; !stopped; n++) {
      const extra = entity({ name: `extra_${n}`, keys: { id: 'string' } });
      await gateways[n % 2]?.registry.apply(plain(extra), { reason: `turn ${n}` }, caller);
      await sleep(200 + random(900_000 + n) * 400);
    }
  })();
  return {
    clickAt,
    accepted: () => [...accepted],
    async stop() {
      stopped = true;
      await Promise.all([...publishing, changing]);
    },
  };
};

export const totalsOf = (
  platform: Platform,
  at: number,
  known?: number,
): ReturnType<typeof readTotals> => readTotals(platform, USERS, at, known);

/** What `totalsOf` must answer where the log has the first events of each producer. */
export const wantedTotals = (
  { clickAt }: Pick<World, 'clickAt'>,
  counts: readonly number[],
  at: number,
): ReturnType<typeof totalsOfClicks> =>
  totalsOfClicks(
    counts.flatMap((n, producer) => Array.from({ length: n }, (_, i) => clickAt(producer, i))),
    USERS,
    at,
  );
