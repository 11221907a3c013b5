// #region first
import {
  avg,
  col,
  count,
  entity,
  featureService,
  featureView,
  onDemandFeature,
  request,
  source,
  when,
} from 'millrace';

export const airport = entity({ name: 'airport', keys: { origin: 'string' } });

export const flights = source({
  name: 'flights',
  fields: { date: 'timestamp', origin: 'string', destination: 'string', delay: 'double?' },
  eventTime: 'date',
});

export const airportDelays = featureView({
  name: 'airport_delays',
  entity: airport,
  source: flights,
  features: {
    departures_1h: count({ window: '1h' }),
    delay_avg_1d: avg(col('delay'), { window: '1d', hop: '1h' }),
  },
});

export const lateRisk = onDemandFeature({
  name: 'late_risk',
  type: 'double',
  inputs: { average: airportDelays.feature('delay_avg_1d'), hour: request('hour', 'int') },
  value: ({ average, hour }) => when(hour.gte(17), average.times(1.2)).otherwise(average),
});

export const delayModel = featureService({
  name: 'delay_model',
  features: [airportDelays.pick('departures_1h', 'delay_avg_1d'), lateRisk],
});
// #endregion
