/** The spine of the example's training set: some of the flights themselves, each at its own departure. */
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';

export const FLIGHTS = fileURLToPath(new URL('../../node_modules/vega-datasets/data/flights-3m.parquet', import.meta.url));

const quoted = (path: string): string => `'${path.replaceAll("'", "''")}'`;

export const writeSpine = async (path: string, options: { readonly events: number; readonly rows: number }): Promise<void> => {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '512MB' });
  const connection = await instance.connect();
  const every = Math.max(1, Math.floor(options.events / options.rows));
  await connection.run(`COPY (
    SELECT origin, destination, timezone('UTC', date) AS event_timestamp, hour(date)::INTEGER AS hour, delay > 15 AS label
    FROM (SELECT *, row_number() OVER () AS n FROM (SELECT * FROM read_parquet(${quoted(FLIGHTS)}) LIMIT ${options.events}))
    WHERE n % ${every} = 0 LIMIT ${options.rows}
  ) TO ${quoted(path)} (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
};

/** When the first so many flights end, epoch ms: the file is in order of time. */
export const endOfFlights = async (events: number): Promise<number> => {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(
    `SELECT epoch_ms(max(date))::DOUBLE FROM (SELECT date FROM read_parquet(${quoted(FLIGHTS)}) LIMIT ${events})`,
  );
  const [[end]] = reader.getRows() as [[number]];
  connection.closeSync();
  instance.closeSync();
  return end;
};
