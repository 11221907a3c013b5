/**
 * A platform under load: one producer in order, views that are revised, replayed in full and in
 * part, and promoted; a part of the events late. All from one seed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { col, count, featureView, last } from 'millrace';
import type { Platform } from '#domain/api/platform.ts';
import type { Definition } from '#domain/definitions/model.ts';
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
import { caller, plain, replayFilled } from '#tests/support/platform.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const BATCH = 10;
export const PRODUCER = 'loader';
export const USERS = usersOf(12);

/** Leaves late events out. */
const punctual = featureView({
  name: 'punctual',
  entity: user,
  source: clicks,
  lateness: '2h',
  features: { punctual_n: count(), punctual_1d: count({ window: '1d', hop: '1h' }) },
});

/** Odd versions count all events, even ones only large amounts. */
export const leastOf = (version: number): number => (version % 2 === 1 ? 0 : 500);
const activity = (version: number): Definition =>
  featureView({
    name: 'activity',
    entity: user,
    source: clicks,
    features: {
      large: count({ where: col('amount').gte(leastOf(version)) }),
      newest: last(col('amount')),
    },
  });

export const FEATURES = [
  'totals:n',
  'totals:spent',
  'totals:n_1d',
  'punctual:punctual_n',
  'punctual:punctual_1d',
  'activity:large',
  'activity:newest',
];

export interface Load {
  readonly clickAt: (i: number) => Click;
  /** log times of some commits, in their order, each with the position after it */
  readonly commits: readonly { readonly known: number; readonly position: string }[];
  /** epoch ms, at which a new generation was being filled */
  readonly fills: readonly number[];
  /** Resolves when publishing and changing have ended. */
  readonly stop: () => Promise<void>;
}

export const define = (platform: Platform): Promise<unknown> =>
  platform.registry.apply(plain(user, clicks, totals, punctual, activity(1)), {}, caller);

/** Publishes the next events of the load. */
export const publishNext = async (
  platform: Platform,
  clickAt: Load['clickAt'],
  from: number,
  size = BATCH,
): Promise<string> => {
  const events = Array.from({ length: size }, (_, k) => ({ ...clickAt(from + k) }));
  const producer = { id: PRODUCER, sequence: from };
  return (await platform.publishing.publish({ source: 'clicks', events, producer }, caller))
    .position;
};

/** Revises and replays, or replays some entities, in turns. */
const change = async (platform: Platform, turn: number, fills: number[]): Promise<void> => {
  const version = Math.floor(turn / 2) + 2;
  const partial = turn % 2 === 1;
  if (!partial)
    await platform.registry.apply(plain(activity(version)), { reason: `turn ${turn}` }, caller);
  const { id, generation } = await platform.replays.start(
    { view: 'activity', ...(partial ? { entities: [{ user: 'u1' }, { user: 'u2' }] } : {}) },
    caller,
  );
  fills.push(Date.now());
  await replayFilled(platform, id);
  await platform.replays.change(id, 'promote', { reason: `turn ${turn}` }, caller);
  const before = `activity@${generation - 1}`;
  await platform.replays.change(before, 'retire', { reason: `turn ${turn}` }, caller);
};

export const startLoad = (platform: Platform, seed: number): Load => {
  const random = randomOf(seed);
  const start = Date.now() - 3 * DAY;
  const clickAt = (i: number): Click => ({
    user: USERS[Math.floor(random(3 * i) * USERS.length)] as string,
    at: start + i * 2_000 - (random(3 * i + 1) < 0.1 ? 12 * HOUR : 0),
    amount: Math.floor(random(3 * i + 2) * 1000),
  });
  const commits: { known: number; position: string }[] = [];
  const fills: number[] = [];
  let stopped = false;
  const publishing = (async () => {
    for (let i = 0; !stopped; i += BATCH) {
      const position = await publishNext(platform, clickAt, i);
      if (i % 200 === 0) {
        const { known } = await platform.serving.read({
          features: ['totals:n'],
          entities: [{ user: 'u0' }],
        });
        commits.push({ known, position });
      }
      await sleep(10);
    }
  })();
  const changing = (async () => {
    for (let turn = 0; !stopped; turn++) {
      await change(platform, turn, fills);
      await sleep(200 + random(1_000_000 + turn) * 600);
    }
  })();
  return {
    clickAt,
    commits,
    fills,
    async stop() {
      stopped = true;
      await Promise.all([publishing, changing]);
    },
  };
};

/** Reads with `known` fold raw events, so some users must do. */
const SOME = USERS.slice(0, 4);

/** The values and statuses of all features of some users, as text to compare. */
export const readAll = async (
  platform: Platform,
  at: number,
  known?: number,
): Promise<readonly string[]> => {
  const { values, status } = await platform.serving.read({
    features: FEATURES,
    entities: SOME.map((name) => ({ user: name })),
    at,
    ...(known === undefined ? {} : { known }),
  });
  return SOME.map((name, row) =>
    [name, JSON.stringify(values[row]), JSON.stringify(status[row])].join(' '),
  );
};

export const totalsOf = (platform: Platform, at: number): ReturnType<typeof readTotals> =>
  readTotals(platform, USERS, at);

/** What `totalsOf` must answer where the log has the first `n` events. */
export const wantedTotals = (
  clickAt: Load['clickAt'],
  n: number,
  at: number,
): ReturnType<typeof totalsOfClicks> =>
  totalsOfClicks(
    Array.from({ length: n }, (_, i) => clickAt(i)),
    USERS,
    at,
  );
