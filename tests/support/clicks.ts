/** What the tests of backups publish and read: on both profiles the same. */
import { col, count, entity, featureView, source, sum } from 'millrace';

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
