/** The lag of a generation counts events that its last poll has not seen. */
import { expect, test } from 'vitest';
import type { UpdateDecoder } from '#domain/encoding/update-decoder.ts';
import type { GenerationSpec } from '#domain/ports/engine.ts';
import type { Log } from '#domain/ports/log.ts';
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
