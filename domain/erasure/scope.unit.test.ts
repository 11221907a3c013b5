import { col, count, entity, featureService, featureView, last, source } from 'millrace';
import { expect, test } from 'vitest';
import { erasureScope, matchesRecord, textMatcher } from './scope.ts';

const user = entity({ name: 'user', keys: { user: 'string' } });
const item = entity({ name: 'item', keys: { item: 'long' } });
const clicks = source({
  name: 'clicks',
  fields: { at: 'timestamp', who: 'string', item: 'long' },
  eventTime: 'at',
});
const mails = source({
  name: 'mails',
  fields: { at: 'timestamp', user: 'string' },
  eventTime: 'at',
});
const clicked = featureView({
  name: 'clicked',
  entity: user,
  source: clicks,
  join: { user: 'who' },
  features: { n: count() },
});
const popular = featureView({
  name: 'popular',
  entity: item,
  source: clicks,
  features: { who: last(col('who'), { window: '1d' }) },
});
const serviceOf = (view: string) =>
  featureService({ name: `s_${view}`, features: [{ from: 'view', view, features: ['n'] }] });
const all = [
  user,
  item,
  clicks,
  mails,
  clicked,
  popular,
  serviceOf('clicked'),
  serviceOf('popular'),
];

test('a scope has the joined fields, fields of the same name, and who else reads the events', () => {
  const scope = erasureScope(all, { user: 'u1' });
  const field = (name: string) => [{ field: name, type: 'string', value: 'u1' }];
  expect(scope.matches.get('raw.clicks')).toEqual([field('who')]);
  expect(scope.matches.get('raw.mails')).toEqual([field('user')]);
  expect(scope.matches.get('features.clicked')).toEqual([field('key_user')]);
  expect(scope.matches.has('features.popular')).toBe(false);
  expect(scope).toMatchObject({
    views: ['clicked'],
    services: ['s_clicked'],
    otherViews: new Map([['popular', ['raw.clicks']]]),
    textTopics: ['rejected.clicks', 'rejected.mails'],
  });
});

test('an event that names two of an entity is in the values of the other one', () => {
  const answered = featureView({
    name: 'answered',
    entity: user,
    source: source({
      name: 'calls',
      fields: { at: 'timestamp', from: 'string', to: 'string' },
      eventTime: 'at',
    }),
    join: { user: 'to' },
    features: { n: count() },
  });
  const called = { ...answered, name: 'called', join: { user: 'from' } };
  expect(erasureScope([user, answered], { user: 'u1' }).otherViews.size).toBe(0);
  const { otherViews } = erasureScope([...all, answered, called], { user: 'u1' });
  expect([...otherViews.keys()]).toEqual(['popular', 'answered', 'called']);
});

test('all versions count: a view that once joined another field, an entity of another type', () => {
  const before = { ...clicked, join: { user: 'at' } };
  const typed = { ...user, keys: { user: 'long' } } as const;
  const scope = erasureScope([...all, before, typed], { user: '17' });
  expect(scope.matches.get('raw.clicks')?.map(([one]) => [one?.field, one?.value])).toEqual([
    ['who', '17'],
    ['at', '17'],
    ['who', 17],
    ['at', 17],
  ]);
  expect(scope.keys).toEqual(['17']);
});

test('a record matches by value, and null never does', () => {
  const matches = erasureScope(all, { item: '5' }).matches.get('raw.clicks') ?? [];
  expect(
    [{ item: 5 }, { item: 50 }, { item: null }, {}].map((r) => matchesRecord(matches, r)),
  ).toEqual([true, false, false, false]);
});

test('unknown keys and values of another type are refused, naming what there is', () => {
  expect(() => erasureScope(all, { who: 'u1' })).toThrow(/user \(user\), item \(item\)/);
  expect(() => erasureScope(all, { item: 'x' })).toThrow(/of type long, and "x" is none/);
});

test('a text matches where each value is a word of it, in JSON too', () => {
  const found = (values: readonly string[], text: string) => textMatcher(values)(text);
  expect(found(['u1'], '{"user":"u1"}')).toBe(true);
  expect(found(['u1'], '{"user":"u12","other":"_u1"}')).toBe(false);
  expect(found(['a"b'], JSON.stringify({ user: 'a"b' }))).toBe(true);
  expect(found(['7', 'x.y'], '{"id":7,"name":"x.y"}')).toBe(true);
  expect(found(['7', 'x.y'], '{"id":7,"name":"xzy"}')).toBe(false);
});
