/** The data of the example: the flights, and the spine of a training set. */
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { literal } from '#domain/sql/duckdb/names.ts';
import { parquetByName } from '#domain/sql/duckdb/parquet-files.ts';
import { epochMs } from '#domain/sql/duckdb/times.ts';

export const FLIGHTS = fileURLToPath(
  new URL('../../node_modules/vega-datasets/data/flights-3m.parquet', import.meta.url),
);

/** The first flights of the file, which is in order of time. */
const firstFlights = (events: number): string =>
  `(SELECT * FROM ${parquetByName([FLIGHTS])} LIMIT ${events})`;

/**
 * Each row is a time one hour before a flight's departure, when a model would score it. At the
 * departure itself, a window would include the flight's own delay, which is the label.
 */
export const writeSpine = async (
  path: string,
  options: { readonly events: number; readonly rows: number },
): Promise<void> => {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '512MB' });
  const connection = await instance.connect();
  const every = Math.max(1, Math.floor(options.events / options.rows));
  await connection.run(`COPY (
    SELECT origin, destination, timezone('UTC', date - INTERVAL 1 HOUR) AS event_timestamp, hour(date)::INTEGER AS hour, delay > 15 AS label
    FROM (SELECT *, row_number() OVER () AS n FROM ${firstFlights(options.events)})
    WHERE n % ${every} = 0 LIMIT ${options.rows}
  ) TO ${literal(path)} (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
};

/** The single number that a query returns. */
const numberOf = async (sql: string): Promise<number> => {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    const [row] = (await connection.runAndReadAll(sql)).getRows();
    return Number(row?.[0]);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
};

/** The departure of the last of the first `events` flights, in epoch ms. */
export const endOfFlights = (events: number): Promise<number> =>
  numberOf(`SELECT ${epochMs('max(date)', 'TIMESTAMP')}::DOUBLE FROM ${firstFlights(events)}`);

/** The share of a training set's rows where the feature is not null, 0 to 1. */
export const shareFilled = (file: string, feature: string): Promise<number> =>
  numberOf(`SELECT count("${feature}") / count(*) FROM ${parquetByName([file])}`);
