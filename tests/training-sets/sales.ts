/** Sales of shops, with fields of many types, and a server that has some: for sets as Arrow. */
import {
  col,
  count,
  entity,
  type FeatureDefinition,
  featureView,
  last,
  lastK,
  source,
} from 'millrace';
import type { Row } from '#domain/values/value.ts';
import { createHttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { runInProcess } from '#tests/support/cli.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';
import { type Workplace, workplace } from './files.ts';

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: {
    shop: 'string',
    at: 'timestamp',
    price: 'double?',
    n: 'long?',
    raw: 'bytes?',
    day: 'date?',
    open: 'boolean?',
    item: 'string?',
  },
  eventTime: 'at',
});

export interface SalesServer {
  readonly work: Workplace;
  readonly on: TestPlatform;
  readonly url: string;
  readonly run: (...args: string[]) => ReturnType<typeof runInProcess>;
  readonly close: () => Promise<void>;
}

/** @param more features of the view `of_shop`, beside those of the types that Arrow has */
export const salesServer = async (
  events: readonly Row[],
  more: Readonly<Record<string, FeatureDefinition>>,
): Promise<SalesServer> => {
  const view = featureView({
    name: 'of_shop',
    entity: shop,
    source: sales,
    features: {
      sold: count({ window: '1h', hop: '1h' }),
      ...more,
      n: last(col('n')),
      at_last: last(col('at')),
      day: last(col('day')),
      raw: last(col('raw')),
      items: lastK(col('item'), 2),
    },
  });
  const work = await workplace();
  const on = await testPlatform();
  await on.platform.registry.apply(plain(shop, sales, view), {}, caller);
  await on.platform.publishing.publish({ source: 'sales', events }, caller);
  const gateway = await createHttpGateway({
    modules: httpModules(),
    platform: on.platform,
    port: 0,
  });
  const { url } = gateway;
  return {
    ...{ work, on, url },
    run: (...args) => runInProcess(args, { MILLRACE_URL: url }),
    async close() {
      await gateway.close();
      await on.dispose();
      work.close();
    },
  };
};
