/** What the trim test publishes. */
import { col, count, entity, featureView, last, source, sum } from 'millrace';

export const SOURCE = 'clicks';
export const VIEW = 'activity';
export const PRODUCER = 'killed';
export const BATCH = 50;
export const USERS = 7;

const START = Date.UTC(2026, 0, 1);

export const eventAt = (i: number): { user: string; at: number; n: number } => ({
  user: `u${i % USERS}`,
  at: START + i * 1_000,
  n: i,
});

const user = entity({ name: 'user', keys: { user: 'string' } });
const clicks = source({
  name: SOURCE,
  fields: { user: 'string', at: 'timestamp', n: 'int' },
  eventTime: 'at',
});

export const definitions = [
  user,
  clicks,
  featureView({
    name: VIEW,
    entity: user,
    source: clicks,
    features: { clicks: count(), total: sum(col('n')), newest: last(col('n')) },
  }),
];
