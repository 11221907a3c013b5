/** The shop on a platform of the embedded profile, behind a gateway that engines attach to. */
import { createHttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import type { EmbeddedParts } from '#infra/profiles/embedded.ts';
import type { GivenSqlEngine } from '#infra/sql-engines/open-engines.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';
import { HOURS, LATE, SALES, type Shop, saleOf, shopOf, T } from './shop.ts';

export interface EmbeddedShop {
  readonly shop: Shop;
  readonly test: TestPlatform;
  /** of the Iceberg catalog */
  readonly uri: string;
  /** a time after all that the questions are about; more was accepted later */
  readonly known: number;
  readonly close: () => Promise<void>;
}

export const openEmbeddedShop = async (
  sqlEngines: readonly GivenSqlEngine[],
): Promise<EmbeddedShop> => {
  let parts: EmbeddedParts | undefined;
  const test = await testPlatform({
    sqlEngines,
    onParts: (opened) => {
      parts = opened;
    },
  });
  const { platform } = test;
  const shop = shopOf();
  await platform.registry.apply(plain(...shop.definitions), {}, caller);
  const publish = (...events: readonly Record<string, unknown>[]) =>
    platform.publishing.publish({ source: shop.sales, events }, caller);
  await publish(...SALES.slice(0, 4));
  await parts?.history.sync(`raw.${shop.sales}`);
  await platform.registry.apply(plain(shop.evolved), {}, caller);
  await publish(...SALES.slice(4));
  const rollup = (more: object) =>
    platform.datasets.rollup({ view: shop.totals, every: 'day', ...more }, caller);
  await rollup({ from: T });
  await rollup({ every: 'hour', ...HOURS });
  await publish(LATE);
  await rollup({ from: T, again: true });
  const { serving } = platform;
  for (const requestId of ['r1', 'r2'])
    await serving.read(
      { service: shop.scores, entities: [{ shop: 'a' }, { shop: 'b' }] },
      { actor: 'model', requestId },
    );
  // A first statement writes the answers to the log and the history.
  const first = await platform.sql.query({ sql: `SELECT * FROM served_${shop.scores}` });
  first.close();
  const { known } = first;
  await publish({ ...saleOf(8, 3.75, 'a'), note: 'later' });
  const gateway = await createHttpGateway({ modules: httpModules(), platform, port: 0 });
  return {
    shop,
    test,
    uri: `${gateway.url}/iceberg`,
    known,
    async close() {
      await gateway.close();
      await test.dispose();
    },
  };
};
