/**
 * Many keys with few events each: every key has one event in each round. Rounds visit the keys in
 * different orders, so that neighbours in time are no neighbours by key.
 */
import { join } from 'node:path';
import {
  avg,
  col,
  count,
  entity,
  featureView,
  max,
  source,
  stddev,
  sum,
} from '#domain/definitions/index.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;

const user = entity({ name: 'user', keys: { user: 'string' } });
const visits = source({
  name: 'visits',
  fields: { at: 'timestamp', user: 'string', amount: 'double' },
  eventTime: 'at',
});
const spending = featureView({
  name: 'spending',
  entity: user,
  source: visits,
  features: {
    visits_1d: count({ window: '1d' }),
    spent_1d: sum(col('amount'), { window: '1d' }),
    spent_avg_7d: avg(col('amount'), { window: '7d' }),
    spent_max_7d: max(col('amount'), { window: '7d' }),
    spent_sd_7d: stddev(col('amount'), { window: '7d' }),
  },
});

export const SOURCE = visits.name;
export const VIEW = spending.name;
export const FEATURES = Object.keys(spending.features).map((name) => `${VIEW}:${name}`);
export const definitions = [user, visits, spending];

export const nameOf = (key: number): string => `user-${String(key).padStart(8, '0')}`;

export interface Visit {
  readonly at: number;
  readonly user: string;
  readonly amount: number;
}

/** The days that the events of all rounds are spread over. */
const DAYS = 10;

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));

const coprimeNear = (n: number, wanted: number): number => {
  let found = Math.max(1, Math.floor(wanted));
  while (commonDivisor(found, n) !== 1) found++;
  return found;
};

export interface World {
  readonly keys: number;
  readonly events: number;
  /** The i-th event; past the last one, later events of further rounds. */
  readonly visit: (i: number) => Visit;
}

/** @param end time of the last event, epoch ms */
export const worldOf = (keys: number, rounds: number, end: number): World => {
  const step = coprimeNear(keys, keys * 0.618);
  const events = keys * rounds;
  const start = end - DAYS * DAY;
  return {
    keys,
    events,
    visit: (i) => ({
      at: Math.floor(start + Math.min(1, i / events) * DAYS * DAY),
      user: nameOf(((i % keys) * step + Math.floor(i / keys) * 7919) % keys),
      amount: ((i * 7919) % 10_000) / 100,
    }),
  };
};

/** `visits_1d` and `spent_max_7d` of one key at a time, from its events. */
export const expected = (
  mine: readonly Visit[],
  at: number,
): readonly [visits: number, most: number | null] => {
  const since = (window: number): readonly Visit[] => {
    const from = Math.floor((at - window) / HOUR) * HOUR;
    return mine.filter((visit) => visit.at >= from && visit.at <= at);
  };
  const week = since(7 * DAY);
  return [
    since(DAY).length,
    week.length === 0 ? null : Math.max(...week.map(({ amount }) => amount)),
  ];
};

/** A spine with one row for each key, at some time of the events, in no order. */
export const makeSpine = async (
  directory: string,
  { keys }: World,
  end: number,
): Promise<string> => {
  const file = join(directory, 'spine.parquet');
  const duckDb = await openDuckDb({ threads: 2, memoryLimit: '1GB' });
  const connection = await duckDb.connect();
  await connection.run(`COPY (
    SELECT printf('user-%08d', i) AS "user",
      make_timestamptz((${end - DAYS * DAY} + (hash(i) % ${DAYS * DAY})::BIGINT) * 1000)
        AS event_timestamp
    FROM range(${keys}) AS keys(i) ORDER BY hash(i + 1)
  ) TO '${file}' (FORMAT parquet)`);
  connection.closeSync();
  duckDb.close();
  return file;
};
