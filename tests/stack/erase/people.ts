/** A platform of the stack with data of all kinds about some people, of whom three are erased. */
import { col, count, entity, featureView, sum } from 'millrace';
import type { Platform } from '#domain/api/platform.ts';
import type { Value } from '#domain/values/value.ts';
import { plain } from '#tests/support/platform.ts';
import {
  HOUR,
  letters,
  offers,
  person,
  type Visit,
  visits,
  visitsOf,
} from '#tests/support/visits.ts';

const DAY = 24 * HOUR;
/** Unlike anything else that a store has. */
export const ERASED = 'person-7f3a91c4';
/** Has the only events of the last page. */
export const SECOND = 'person-b82e05d6';
/** Has the only events since Kafka deleted all that it had before. */
export const THIRD = 'person-c4a7712f';
const OTHERS = ['person-1aa', 'person-2bb', 'person-3cc'];
export const PEOPLE = [ERASED, SECOND, THIRD, ...OTHERS];
const PAGES = 5;

const page = entity({ name: 'page', keys: { page: 'string' } });
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
/** its values leave the cache tier soon */
const fleeting = featureView({
  name: 'fleeting',
  entity: person,
  source: visits,
  join: { person: 'who' },
  ephemeral: { ttl: '8s', flush: '2s' },
  features: { n: count() },
});
export const definitions = plain(
  person,
  page,
  visits,
  letters,
  spending,
  recently,
  popular,
  fleeting,
  offers,
);

const START = Date.now() - 5 * DAY;
/** The days of the visits. */
export const DAYS = {
  from: Math.floor((START - 2 * DAY) / DAY) * DAY,
  to: Math.floor((START + 2 * DAY) / DAY) * DAY,
};

export const visit = visitsOf({ people: PEOPLE, pages: PAGES, start: START, everyMs: 120_000 });
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
    features: ['spending:n', 'spending:total', 'fleeting:n'],
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
    ...PEOPLE.map((who) => {
      const mine = totalsOf(left.filter((event) => event.who === who));
      return [...mine, mine[0]];
    }),
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
