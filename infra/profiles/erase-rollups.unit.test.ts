/** Which tables of values by period an erasure looks into. */
import { count, entity, featureView, source } from 'millrace';
import { expect, test } from 'vitest';
import { erasureScope } from '#domain/erasure/scope.ts';
import { plain } from '#tests/support/platform.ts';
import { tableMatches } from './erase-rollups.ts';

const person = entity({ name: 'person', keys: { person: 'string' } });
const page = entity({ name: 'page', keys: { page: 'string' } });
const visits = source({
  name: 'visits',
  fields: { person: 'string', page: 'string', at: 'timestamp' },
  eventTime: 'at',
});
const viewOf = (name: string, of: typeof person | typeof page) =>
  featureView({ name, entity: of, source: visits, features: { n: count() } });
const scope = erasureScope(
  plain(
    person,
    page,
    visits,
    viewOf('seen', person),
    viewOf('old_v2', person),
    viewOf('hot', page),
  ),
  { person: 'ann' },
);

test('tables of all versions of its views, also as an earlier release named them', () => {
  const matches = tableMatches(scope);
  const mine = [[{ field: 'key_person', type: 'string', value: 'ann' }]];
  for (const topic of ['rollup.seen_v1_day', 'rollup.seen_v12_hour', 'rollup.seen_day'])
    expect(matches(topic), topic).toEqual(mine);
  expect(matches('rollup.old_v2_v1_day')).toEqual(mine);
  expect(matches('rollup.old_v2_day'), 'of an earlier release').toEqual(mine);
  for (const topic of ['rollup.hot_v1_day', 'rollup.seen', 'rollup.other_day', 'rejected.visits'])
    expect(matches(topic), topic).toBe(null);
  expect(matches('raw.visits')).not.toBe(null);
});
