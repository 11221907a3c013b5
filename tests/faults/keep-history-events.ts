/** What the test of deletions publishes: an event for each hour. */
import { col, count, entity, featureView, source, sum } from 'millrace';

export const SOURCE = 'clicks';
export const VIEW = 'activity';
export const PRODUCER = 'killed';
export const BATCH = 30;
export const USERS = 3;
export const HOUR = 3_600_000;

const START = Date.UTC(2026, 0, 1);

export const eventAt = (i: number): { user: string; at: number; n: number } => ({
  user: `u${i % USERS}`,
  at: START + i * HOUR,
  n: i,
});
/** The time of a platform that has accepted so many events. */
export const clockAt = (events: number): number => START + (events + BATCH) * HOUR;

const user = entity({ name: 'user', keys: { user: 'string' } });
const clicks = source({
  name: SOURCE,
  fields: { user: 'string', at: 'timestamp', n: 'int' },
  eventTime: 'at',
  keepHistory: '3d',
});

export const definitions = [
  user,
  clicks,
  featureView({
    name: VIEW,
    entity: user,
    source: clicks,
    features: { clicks: count(), total: sum(col('n')) },
  }),
];
