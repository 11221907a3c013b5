/** What the tests of backups publish and read: on both profiles the same. */
import { col, count, entity, featureView, source, sum } from 'millrace';
import type { Platform } from '#domain/api/platform.ts';
import type { Value } from '#domain/values/value.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export const user = entity({ name: 'user', keys: { user: 'string' } });
export const clicks = source({
  name: 'clicks',
  fields: { user: 'string', at: 'timestamp', amount: 'long' },
  eventTime: 'at',
  partitions: 3,
});
/** Never changed: compared with the oracle. */
export const totals = featureView({
  name: 'totals',
  entity: user,
  source: clicks,
  features: { n: count(), spent: sum(col('amount')), n_1d: count({ window: '1d', hop: '1h' }) },
});

export interface Click {
  readonly user: string;
  readonly at: number;
  readonly amount: number;
}

/** Numbers in [0, 1): the same for one seed and number. */
export const randomOf =
  (seed: number) =>
  (n: number): number => {
    let x = Math.imul(n ^ seed, 0x9e3779b1);
    x = Math.imul(x ^ (x >>> 15), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
  };

export const usersOf = (n: number): readonly string[] =>
  Array.from({ length: n }, (_, i) => `u${i}`);

/** The values of `totals`, for each user. */
export const readTotals = async (
  { serving }: Platform,
  users: readonly string[],
  at: number,
  known?: number,
): Promise<readonly (readonly Value[])[]> => {
  const { values } = await serving.read({
    features: ['totals:n', 'totals:spent', 'totals:n_1d'],
    entities: users.map((name) => ({ user: name })),
    at,
    ...(known === undefined ? {} : { known }),
  });
  return values;
};

/** What `readTotals` must answer where the log has these events. */
export const totalsOfClicks = (
  events: readonly Click[],
  users: readonly string[],
  at: number,
): readonly (readonly (number | null)[])[] => {
  const from = Math.floor((at - DAY) / HOUR) * HOUR;
  return users.map((name) => {
    const mine = events.filter((event) => event.user === name && event.at <= at);
    return [
      mine.length,
      mine.length === 0 ? null : mine.reduce((total, { amount }) => total + amount, 0),
      mine.filter((event) => event.at >= from).length,
    ];
  });
};
