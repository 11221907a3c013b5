/** Events that name two people each: one who pays and one who is paid. */
import { col, count, entity, featureView, source, sum } from 'millrace';

export const START = Date.UTC(2026, 0, 1);
/** Unlike anything else that a store has. */
export const ERASED = 'person-9c04d7';
export const OTHERS = ['person-1aa', 'person-2bb', 'person-3cc'];
const PEOPLE = [ERASED, ...OTHERS];

const person = entity({ name: 'person', keys: { person: 'string' } });
const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const transfers = source({
  name: 'transfers',
  fields: { at: 'timestamp', payer: 'string', payee: 'string', shop: 'string', amount: 'double' },
  eventTime: 'at',
});
const features = { n: count(), total: sum(col('amount')) };
const paid = featureView({
  name: 'paid',
  entity: person,
  source: transfers,
  join: { person: 'payer' },
  features,
});
const received = featureView({
  name: 'received',
  entity: person,
  source: transfers,
  join: { person: 'payee' },
  features,
});
const sold = featureView({ name: 'sold', entity: shop, source: transfers, features });
export const definitions = [person, shop, transfers, paid, received, sold];

export const transfer = (i: number) => ({
  at: START + i * 600_000,
  payer: PEOPLE[i % PEOPLE.length] as string,
  payee: PEOPLE[(i + 1 + (Math.floor(i / 4) % 3)) % PEOPLE.length] as string,
  shop: `shop-${i % 2}`,
  amount: i,
});
export const transfers200 = Array.from({ length: 200 }, (_, i) => transfer(i));
