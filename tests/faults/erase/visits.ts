/** A platform with the events of some people, of which one is erased. */
import { col, count, featureView, last, sum } from 'millrace';
import { letters, offers, person, visits, visitsOf } from '#tests/support/visits.ts';

export const START = Date.UTC(2026, 0, 1);
/** Unlike anything else that a store has. */
export const ERASED = 'person-7f3a91';
export const OTHERS = ['person-1aa', 'person-2bb', 'person-3cc', 'person-4dd'];
export const PEOPLE = [ERASED, ...OTHERS];

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
export const definitions = [person, visits, letters, spending, offers];
export const FEATURES = ['n', 'total', 'page'].map((name) => `spending:${name}`);

export const visit = visitsOf({ people: PEOPLE, pages: 7, start: START, everyMs: 600_000 });
export const visitsBetween = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => visit(from + i));
