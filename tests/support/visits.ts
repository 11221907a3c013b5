/** Visits of people to pages: what the tests of erasures publish, on both profiles. */
import { entity, featureService, source } from 'millrace';

export const HOUR = 3_600_000;

export const person = entity({ name: 'person', keys: { person: 'string' } });
export const visits = source({
  name: 'visits',
  fields: { who: 'string', at: 'timestamp', page: 'string', cost: 'double' },
  eventTime: 'at',
  partitions: 2,
});
/** no view reads it */
export const letters = source({
  name: 'letters',
  fields: { person: 'string', at: 'timestamp', text: 'string' },
  eventTime: 'at',
});
/** Of a view `spending`, with these features. */
export const offers = featureService({
  name: 'offers',
  features: [{ from: 'view', view: 'spending', features: ['n', 'total'] }],
  logging: { sample: 1 },
});

export interface Visit {
  readonly who: string;
  readonly at: number;
  readonly page: string;
  readonly cost: number;
}

export interface Visited {
  readonly people: readonly string[];
  readonly pages: number;
  readonly start: number;
  readonly everyMs: number;
}

/** The i-th visit. Every 17th event is late. */
export const visitsOf =
  ({ people, pages, start, everyMs }: Visited) =>
  (i: number): Visit => ({
    who: people[i % people.length] as string,
    at: start + i * everyMs - (i % 17 === 16 ? 30 * HOUR : 0),
    page: `/p${i % pages}`,
    cost: i / 4,
  });
