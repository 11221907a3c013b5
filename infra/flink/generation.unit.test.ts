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
    onFolded: () => {},
  });
  await generation.refresh();
  expect([generation.lag(), generation.lag([4]), generation.lag([9])]).toEqual([0, 0, 5]);
});

test('the tiles of a generation are read in pages, with a turn of the event loop after each', async () => {
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
  const PAGES = 40;
  const asked: number[] = [];
  let turns = 0;
  const turnsAtPages: number[] = [];
  const log = {
    end: async () => [PAGES],
    read: async (_topic: string, _partition: number, from: number, maxBytes: number) => {
      asked.push(maxBytes);
      turnsAtPages.push(turns);
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
    onFolded: () => {},
  });
  let running = true;
  const tick = (): void => {
    turns++;
    if (running) setImmediate(tick);
  };
  setImmediate(tick);
  await generation.tiles();
  running = false;
  expect(asked).toHaveLength(PAGES);
  expect(Math.max(...asked)).toBeLessThanOrEqual(1 << 20);
  expect(new Set(turnsAtPages).size).toBe(PAGES);
});
