// #region fixed
import { avg, col, count, featureView, last, max, stddev, when } from 'millrace';
import { airport, flights } from './features.ts';

/** Corrects `late_share_7d`: it counted every delay above 0 minutes. Late is more than 15. */
export const airportDelays = featureView({
  name: 'airport_delays',
  entity: airport,
  source: flights,
  where: col('distance').gt(0),
  freshness: '1m',
  features: {
    departures_1h: count({ window: '1h' }),
    delay_avg_1d: avg(col('delay'), { window: '1d', hop: '1h' }),
    delay_max_1d: max(col('delay'), { window: '1d', hop: '1h' }),
    delay_stddev_7d: stddev(col('delay'), { window: '7d' }),
    late_share_7d: avg(when(col('delay').gt(15), 1).otherwise(0), { window: '7d' }),
    departures_7d: count({ window: '7d' }),
    last_destination: last(col('destination')),
  },
  owner: 'ops',
  description: 'Departure delays of an airport',
  tags: ['flights', 'delays'],
});
// #endregion
