/** What the tests of the Python package read and publish: every type, keys of two types, inputs. */
import {
  avg,
  col,
  count,
  entity,
  featureService,
  featureView,
  last,
  lastK,
  onDemandFeature,
  request,
  source,
  sum,
} from 'millrace';
import { plain } from '#tests/support/platform.ts';

const shop = entity({ name: 'shop', keys: { shop: 'string', branch: 'long' } });

const sales = source({
  name: 'sales',
  fields: {
    shop: 'string',
    branch: 'long',
    at: 'timestamp',
    price: 'double?',
    n: 'long?',
    small: 'int?',
    ratio: 'float?',
    open: 'boolean?',
    moment: 'timestamp?',
    day: 'date?',
    raw: 'bytes?',
    item: 'string?',
    tags: 'array<string>?',
  },
  eventTime: 'at',
});

const ofShop = featureView({
  name: 'of_shop',
  entity: shop,
  source: sales,
  ttl: '30d',
  features: {
    sold: count({ window: '1h', hop: '1h' }),
    price: avg(col('price'), { window: '1h', hop: '1h' }),
    n: last(col('n')),
    small: last(col('small')),
    ratio: last(col('ratio')),
    open: last(col('open')),
    moment: last(col('moment')),
    day: last(col('day')),
    raw: last(col('raw')),
    item: last(col('item')),
    items: lastK(col('item'), 2),
    moments: lastK(col('moment'), 2),
  },
});

/** It has a feature "sold", too. */
const totals = featureView({
  name: 'totals',
  entity: shop,
  source: sales,
  features: { sold: count(), income: sum(col('price')) },
});

const scaled = onDemandFeature({
  name: 'scaled',
  type: 'double',
  inputs: { price: ofShop.feature('price'), by: request('by', 'double') },
  value: ({ price, by }) => price.times(by),
});

const shopModel = featureService({
  name: 'shop_model',
  features: [ofShop.pick('sold', 'price'), totals.pick('income'), scaled],
});

const visitor = entity({ name: 'visitor', keys: { who: 'string' } });
/** Without an event id: only a producer's numbers tell a repetition. */
const visits = source({
  name: 'visits',
  fields: { who: 'string', at: 'timestamp', n: 'long?', note: 'string?' },
  eventTime: 'at',
});
const ofVisitor = featureView({
  name: 'of_visitor',
  entity: visitor,
  source: visits,
  features: { visits: count(), sum_n: sum(col('n')), last_n: last(col('n')) },
});

/** Of a namespace that only an admin of the tests may see. */
const hidden = entity({ namespace: 'secret', name: 'hidden', keys: { id: 'string' } });

export const DEFINITIONS = plain(
  shop,
  sales,
  ofShop,
  totals,
  scaled,
  shopModel,
  visitor,
  visits,
  ofVisitor,
  hidden,
);
