/** Raw files and a spine of the size of the training-set benchmark, made from the real flights. */
import { join } from 'node:path';
import {
  avg,
  col,
  count,
  entity,
  featureView,
  max,
  min,
  source,
  stddev,
  sum,
  when,
} from '#domain/definitions/index.ts';
import type { TrainingSetTarget } from '#domain/training-sets/training-set-plan.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { FLIGHTS_FILE } from './flights.ts';

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
});
const airport = entity({ name: 'airport', keys: { origin: 'string' } });
const route = entity({ name: 'route', keys: { origin: 'string', destination: 'string' } });

const airportDelays = featureView({
  name: 'airport_delays',
  entity: airport,
  source: flights,
  features: {
    departures_1h: count({ window: '1h', hop: '2m' }),
    delay_avg_1h: avg(col('delay'), { window: '1h', hop: '2m' }),
    delay_avg_1d: avg(col('delay'), { window: '1d', hop: '1h' }),
    delay_max_1d: max(col('delay'), { window: '1d', hop: '1h' }),
    late_share_7d: avg(when(col('delay').gt(15), 1).otherwise(0), { window: '7d', hop: '6h' }),
  },
});
const routeDelays = featureView({
  name: 'route_delays',
  entity: route,
  source: flights,
  features: {
    route_departures_1h: count({ window: '1h', hop: '2m' }),
    route_delay_min_1d: min(col('delay'), { window: '1d', hop: '1h' }),
    route_delay_avg_1d: avg(col('delay'), { window: '1d', hop: '1h' }),
    route_delay_sd_7d: stddev(col('delay'), { window: '7d', hop: '6h' }),
    route_distance_7d: sum(col('distance'), { window: '7d', hop: '6h' }),
  },
});

export const FLIGHTS_TARGET: TrainingSetTarget = {
  members: [airportDelays, routeDelays].map((view) => ({
    from: 'view',
    view: view.name,
    features: Object.keys(view.features),
  })),
  views: [
    { view: airportDelays, source: flights, entity: airport },
    { view: routeDelays, source: flights, entity: route },
  ],
  onDemand: [],
};

const FLIGHTS = 3_000_000;

export interface TrainingFiles {
  readonly raw: string;
  readonly spine: string;
  readonly events: number;
}

/** A row of the spine: a flight's keys, at its time or up to two hours after it. */
export const makeTrainingFiles = async (
  directory: string,
  events: number,
  rows: number,
): Promise<TrainingFiles> => {
  const duckDb = await openDuckDb({
    threads: 2,
    memoryLimit: '1GB',
    spillDirectory: join(directory, 'spill'),
  });
  const connection = await duckDb.connect();
  const raw = join(directory, 'raw.parquet');
  const spine = join(directory, 'spine.parquet');
  await connection.run('SET preserve_insertion_order = true');
  // There are three million flights: more of them are the same ones, half a year later each time.
  const copies = Math.ceil(events / FLIGHTS);
  const from =
    copies === 1
      ? `SELECT * FROM read_parquet('${FLIGHTS_FILE}')`
      : `SELECT f.* REPLACE (f.date + to_days((i * 182)::INTEGER) AS date) FROM range(${copies}) copies(i), read_parquet('${FLIGHTS_FILE}') f`;
  await connection.run(`COPY (SELECT date::TIMESTAMPTZ AS date, origin, destination, delay::DOUBLE AS delay, distance::DOUBLE AS distance,
      0::INTEGER AS _partition, (row_number() OVER () - 1)::BIGINT AS _offset, date::TIMESTAMPTZ AS _log_time
    FROM (${from} LIMIT ${events})) TO '${raw}' (FORMAT parquet)`);
  await connection.run(`COPY (SELECT origin, destination, date + to_milliseconds((hash(_offset) % 7200000)::BIGINT) AS event_timestamp
    FROM read_parquet('${raw}') ORDER BY hash(_offset + 1) LIMIT ${rows}) TO '${spine}' (FORMAT parquet)`);
  connection.closeSync();
  duckDb.close();
  return { raw, spine, events };
};
