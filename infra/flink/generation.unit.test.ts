/** The lag of a generation counts events that its last poll has not seen. */
import { expect, test } from 'vitest';
import { count, entity, featureView, source } from '#domain/definitions/index.ts';
import type {
  EntityDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import type { UpdateDecoder } from '#domain/encoding/update-decoder.ts';
import { planView } from '#domain/plan/plan-view.ts';
import type { GenerationSpec } from '#domain/ports/engine.ts';
import type { Log } from '#domain/ports/log.ts';
import { plain } from '#tests/support/platform.ts';
import { flinkGeneration } from './generation.ts';

test('events that came after the last poll count as not computed', async () => {
  const log = {
    end: async () => [4],
    committed: async () => [4],
    read: async () => [],
  } as unknown as Log;
  const plan = { view: 'totals', source: 'sales', hops: [] };
  const generation = flinkGeneration({
    spec: {
      view: 'totals',
      version: 1,
      generation: 1,
      plan,
      source: { name: 'sales' },
    } as unknown as GenerationSpec,
    log,
    cache: null,
    decoder: {} as UpdateDecoder,
    checkpointAt: () => null,
    fetch: () => Promise.reject(new Error('not read')),
    updatesFrom: async () => null,
    onFolded: () => {},
  });
  await generation.refresh();
  expect([generation.lag(), generation.lag([4]), generation.lag([9])]).toEqual([0, 0, 5]);
});

/** What `tiles()` reads of features.totals, by reads of one record each. */
const readTiles = async (records: number, updatesFrom: readonly number[] | null) => {
  const shop = entity({ name: 'shop', keys: { shop: 'string' } });
  const sales = source({
    name: 'sales',
    fields: { shop: 'string', at: 'timestamp' },
    eventTime: 'at',
  });
  const totals = featureView({
    name: 'totals',
    entity: shop,
    source: sales,
    features: { n: count() },
  });
  const [plainShop, plainSales, plainView] = plain(shop, sales, totals) as [
    EntityDefinition,
    SourceDefinition,
    FeatureViewDefinition,
  ];
  const reads: { readonly from: number; readonly bytes: number; readonly turn: number }[] = [];
  let turn = 0;
  const log = {
    end: async () => [records],
    read: async (_topic: string, _partition: number, from: number, bytes: number) => {
      reads.push({ from, bytes, turn });
      return [{ offset: from }];
    },
  } as unknown as Log;
  const generation = flinkGeneration({
    spec: {
      view: 'totals',
      version: 1,
      generation: 1,
      plan: planView(plainView, plainSales, plainShop),
      source: { name: 'sales' },
    } as unknown as GenerationSpec,
    log,
    cache: null,
    decoder: { decode: async () => null } as unknown as UpdateDecoder,
    checkpointAt: () => null,
    fetch: () => Promise.reject(new Error('not read')),
    updatesFrom: async () => updatesFrom,
    onFolded: () => {},
  });
  let running = true;
  const tick = (): void => {
    turn++;
    if (running) setImmediate(tick);
  };
  setImmediate(tick);
  await generation.tiles();
  running = false;
  return reads;
};

test('the tiles of a generation are read in pages, with a turn of the event loop after each', async () => {
  const PAGES = 40;
  const reads = await readTiles(PAGES, null);
  expect(reads).toHaveLength(PAGES);
  expect(Math.max(...reads.map(({ bytes }) => bytes))).toBeLessThanOrEqual(1 << 20);
  expect(new Set(reads.map(({ turn }) => turn)).size).toBe(PAGES);
});

test('the tiles are read from the first update of their generation on', async () => {
  expect((await readTiles(10, [7])).map(({ from }) => from)).toEqual([7, 8, 9]);
  // The topic is shorter than it was: where the updates begin is not known any more.
  expect(await readTiles(10, [11])).toHaveLength(10);
});
