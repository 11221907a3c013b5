import {
  avg,
  col,
  count,
  entity,
  featureService,
  featureView,
  last,
  max,
  onDemandFeature,
  request,
  source,
  stddev,
  when,
} from 'millrace';

export const airport = entity({
  name: 'airport',
  keys: { origin: 'string' },
  description: 'An airport that flights leave from',
  owner: 'ops',
});

export const route = entity({
  name: 'route',
  keys: { origin: 'string', destination: 'string' },
  owner: 'ops',
});

export const flights = source({
  name: 'flights',
  fields: {
    date: 'timestamp',
    origin: 'string',
    destination: 'string',
    delay: 'double?',
    distance: 'double',
  },
  eventTime: 'date',
  description: 'US flights, one event a departure',
  owner: 'ops',
});

// #region airport_delays
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
    late_share_7d: avg(when(col('delay').gt(0), 1).otherwise(0), { window: '7d' }),
    departures_7d: count({ window: '7d' }),
    last_destination: last(col('destination')), // no window: over all time
  },
  owner: 'ops',
  description: 'Departure delays of an airport',
  tags: ['flights', 'delays'],
});
// #endregion

export const routeDelays = featureView({
  name: 'route_delays',
  entity: route,
  source: flights,
  ttl: '90d',
  features: {
    route_departures_1d: count({ window: '1d' }),
    route_delay_avg_1d: avg(col('delay'), { window: '1d' }),
    route_delay_avg_7d: avg(col('delay'), { window: '7d' }),
    route_delay_max_7d: max(col('delay'), { window: '7d' }),
  },
  owner: 'ops',
  description: 'Departure delays of a route',
  tags: ['flights', 'delays'],
});

export const lateRisk = onDemandFeature({
  name: 'late_risk',
  type: 'double',
  inputs: { average: airportDelays.feature('delay_avg_1d'), hour: request('hour', 'int') },
  value: ({ average, hour }) => when(hour.gte(17), average.times(1.2)).otherwise(average),
  description: 'The average delay, a fifth more in the evening',
  owner: 'ops',
});

export const delayModel = featureService({
  name: 'delay_model',
  features: [
    airportDelays.pick(
      'departures_1h',
      'delay_avg_1d',
      'delay_max_1d',
      'delay_stddev_7d',
      'late_share_7d',
      'departures_7d',
    ),
    routeDelays.pick(
      'route_departures_1d',
      'route_delay_avg_1d',
      'route_delay_avg_7d',
      'route_delay_max_7d',
    ),
    lateRisk,
  ],
  owner: 'ml',
  description: 'What the delay model reads',
});
