/** A source with as many keys as wanted, which take turns over six days, and a view of it. */
import {
  avg,
  col,
  count,
  entity,
  featureView,
  max,
  source,
  sum,
} from '#domain/definitions/index.ts';
import type { Definition } from '#domain/definitions/model.ts';

export const HOUR = 3_600_000;
const SPAN = 6 * 24 * HOUR;

const user = entity({ name: 'user', keys: { user: 'string' } });
const orders = source({
  name: 'orders',
  fields: { t: 'timestamp', user: 'string', amount: 'double', items: 'long' },
  eventTime: 't',
});
const spending = featureView({
  name: 'spending',
  entity: user,
  source: orders,
  features: {
    orders_1d: count({ window: '1d' }),
    orders_7d: count({ window: '7d' }),
    amount_7d: sum(col('amount'), { window: '7d' }),
    amount_avg_7d: avg(col('amount'), { window: '7d' }),
    items_max_7d: max(col('items'), { window: '7d' }),
  },
});

export const orderDefinitions = (): Definition[] =>
  [user, orders, spending].map((one) => JSON.parse(JSON.stringify(one)) as Definition);

export interface Order {
  readonly t: number;
  readonly user: string;
  readonly amount: number;
  readonly items: number;
}

/** @param end time of the newest event, about */
export function* orderBatches(
  events: number,
  keys: number,
  end: number,
  batchSize: number,
): Generator<Order[]> {
  for (let from = 0; from < events; from += batchSize)
    yield Array.from({ length: Math.min(batchSize, events - from) }, (_, i) => {
      const n = from + i;
      return {
        t: end - SPAN + Math.floor((n * SPAN) / events),
        user: `user-${(((n % keys) * 7_919) % keys).toString(36)}`,
        amount: (n % 10_007) / 100,
        items: 1 + (n % 9),
      };
    });
}
