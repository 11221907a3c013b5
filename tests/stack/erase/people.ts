/** A platform of the stack with data of all kinds about some people, of whom two are erased. */
import { col, count, entity, featureService, featureView, source, sum } from 'millrace';
import type { Platform } from '#domain/api/platform.ts';
import type { Value } from '#domain/values/value.ts';
import { plain } from '#tests/support/platform.ts';

export const HOUR = 3_600_000;
/** Unlike anything else that a store has. */
export const ERASED = 'person-7f3a91c4';
/** Has the only events of the last page. */
export const SECOND = 'person-b82e05d6';
const OTHERS = ['person-1aa', 'person-2bb', 'person-3cc'];
export const PEOPLE = [ERASED, SECOND, ...OTHERS];
const PAGES = 3;

const person = entity({ name: 'person', keys: { person: 'string' } });
const page = entity({ name: 'page', keys: { page: 'string' } });
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
  features: { n: count(), total: sum(col('cost')) },
});
/** leaves late events out */
const recently = featureView({
  name: 'recently',
  entity: person,
  source: visits,
  join: { person: 'who' },
  lateness: '1h',
  features: { n: count({ window: '10d', hop: '1h' }) },
});
/** values of others that count events of people */
const popular = featureView({
  name: 'popular',
  entity: page,
  source: visits,
  features: { n: count(), total: sum(col('cost')) },
});
const offers = featureService({
  name: 'offers',
  features: [{ from: 'view', view: 'spending', features: ['n', 'total'] }],
  logging: { sample: 1 },
});
export const definitions = plain(
  person,
  page,
  visits,
  letters,
  spending,
  recently,
  popular,
  offers,
);

export interface Visit {
  readonly who: string;
  readonly at: number;
  readonly page: string;
  readonly cost: number;
}

const START = Date.now() - 5 * 24 * HOUR;

/** Every 17th event is late. */
export const visit = (i: number): Visit => ({
  who: PEOPLE[i % PEOPLE.length] as string,
  at: START + i * 120_000 - (i % 17 === 16 ? 30 * HOUR : 0),
  page: `/p${i % PAGES}`,
  cost: i / 4,
});
export const visitsBetween = (from: number, to: number): readonly Visit[] =>
  Array.from({ length: to - from }, (_, i) => visit(from + i));

const totalsOf = (events: readonly Visit[]): readonly [number, number | null] => [
  events.length,
  events.length === 0 ? null : events.reduce((total, { cost }) => total + cost, 0),
];

/** The values of all people and pages: read, and as they must be. */
export const valuesOf = async (
  { serving }: Platform,
  moment: { readonly at?: number; readonly known?: number } = {},
): Promise<readonly (readonly Value[])[]> => {
  const people = await serving.read({
    features: ['spending:n', 'spending:total'],
    entities: PEOPLE.map((who) => ({ person: who })),
    ...moment,
  });
  const pages = await serving.read({
    features: ['popular:n', 'popular:total'],
    entities: Array.from({ length: PAGES }, (_, i) => ({ page: `/p${i}` })),
    ...moment,
  });
  return [...people.values, ...pages.values];
};

/** @param gone people without events */
export const wantedValues = (
  events: readonly Visit[],
  gone: readonly string[],
  at = Number.POSITIVE_INFINITY,
): readonly (readonly (number | null)[])[] => {
  const left = events.filter((event) => event.at <= at && !gone.includes(event.who));
  return [
    ...PEOPLE.map((who) => totalsOf(left.filter((event) => event.who === who))),
    ...Array.from({ length: PAGES }, (_, i) =>
      totalsOf(left.filter((event) => event.page === `/p${i}`)),
    ),
  ];
};

/** What a view with late events has of the others. */
export const recentOfOthers = async ({ serving }: Platform, at: number): Promise<unknown> =>
  (
    await serving.read({
      features: ['recently:n'],
      entities: OTHERS.map((who) => ({ person: who })),
      at,
    })
  ).values;
