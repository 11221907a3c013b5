/** A view with more entities than its quota is rebuilt without a search for dead ones each time. */
import { expect, test, vi } from 'vitest';
import { applyUpdate } from '#domain/encoding/tile-snapshot.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { createTileStore } from './tile-store.ts';

const QUOTA = 64;

test('updates of entities beyond the quota are taken, and dead ones are looked for a few times', () => {
  const plan = planView(
    {
      kind: 'feature-view',
      name: 'v',
      entity: 'user',
      source: 's',
      features: { n: { aggregation: 'count', input: null, window: '1d', hop: '1h' } },
    },
    { kind: 'source', name: 's', fields: { user: 'string', at: 'timestamp' }, eventTime: 'at' },
    { kind: 'entity', name: 'user', keys: { user: 'string' } },
  );
  const store = createTileStore(plan, { quota: QUOTA });
  const search = vi.spyOn(store, 'dropDead');
  const hopMs = plan.hops[0]?.hopMs as number;
  for (let i = 0; i < 10 * QUOTA; i++)
    applyUpdate(store, {
      key: `u${i}`,
      hopMs,
      tileStart: 0,
      newestEventTime: 1_000,
      watermark: 1_000,
      cause: { partition: 0, offset: i },
      nums: new Float64Array(plan.hops[0]?.nums ?? 0).fill(1),
      refs: [],
    });
  expect(store.entities).toBe(10 * QUOTA);
  expect(search.mock.calls.length).toBeLessThan(10);
});
