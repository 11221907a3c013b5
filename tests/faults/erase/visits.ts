/** A platform with the events of some people, of which one is erased. */
import { col, count, entity, featureService, featureView, last, source, sum } from 'millrace';

export const HOUR = 3_600_000;
export const START = Date.UTC(2026, 0, 1);
/** Unlike anything else that a store has. */
export const ERASED = 'person-7f3a91';
export const OTHERS = ['person-1aa', 'person-2bb', 'person-3cc', 'person-4dd'];
export const PEOPLE = [ERASED, ...OTHERS];

const person = entity({ name: 'person', keys: { person: 'string' } });
const visits = source({
  name: 'visits',
  fields: { who: 'string', at: 'timestamp', page: 'string', cost: 'double' },
  eventTime: 'at',
  partitions: 2,
});
/** no view reads it */
const letters = source({
  name: 'letters',
  fields: { person: 'string', at: 'timestamp', text: 'string' },
  eventTime: 'at',
});
const spending = featureView({
  name: 'spending',
  entity: person,
  source: visits,
  join: { person: 'who' },
  lateness: '1h',
  features: {
    n: count({ window: '10d', hop: '1h' }),
    total: sum(col('cost')),
    page: last(col('page'), { window: '30d', hop: '1h' }),
  },
});
const offers = featureService({
  name: 'offers',
  features: [{ from: 'view', view: 'spending', features: ['n', 'total'] }],
  logging: { sample: 1 },
});
export const definitions = [person, visits, letters, spending, offers];
export const FEATURES = ['n', 'total', 'page'].map((name) => `spending:${name}`);

/** Every 17th event is late. */
export const visit = (i: number) => ({
  who: PEOPLE[i % PEOPLE.length] as string,
  at: START + i * 600_000 - (i % 17 === 16 ? 30 * HOUR : 0),
  page: `/p${i % 7}`,
  cost: i / 4,
});
export const visitsBetween = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => visit(from + i));
