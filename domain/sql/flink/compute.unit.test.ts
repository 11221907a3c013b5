/** Which events a compute job counts. */
import { col, count, entity, featureView, source } from 'millrace';
import { expect, test } from 'vitest';
import { planView } from '#domain/plan/plan-view.ts';
import { computeSql } from './compute.ts';

const plant = entity({ name: 'plant', keys: { id: 'int' } });
const events = source({
  name: 'plants',
  fields: { id: 'int', at: 'timestamp', gone: 'boolean?', height: 'double?' },
  eventTime: 'at',
});
const view = featureView({
  name: 'tall',
  entity: plant,
  source: events,
  where: col('height').gt(1),
  features: { n: count({ window: '1h' }) },
});
const countedBy = (of: typeof events): string | undefined =>
  computeSql(
    { plan: planView(view, of, plant), view, source: of, version: 1, generation: 1 },
    'raw',
  )
    .views[0]?.split('WHERE')
    .at(-1)
    ?.trim();

test('a view counts the events that pass its filter, and every event of a dimension', () => {
  expect(countedBy(events)).toMatch(/`id` IS NOT NULL AND .*`height`/);
  const dimension = { key: ['id'], deleted: 'gone' } as const;
  expect(countedBy({ ...events, dimension })).toBe('`id` IS NOT NULL');
});
