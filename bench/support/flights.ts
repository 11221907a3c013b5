/** The real flights (npm vega-datasets) as events of the examples' source, in batches, in file order. */
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';

export const FLIGHTS_FILE = fileURLToPath(new URL('../../node_modules/vega-datasets/data/flights-3m.parquet', import.meta.url));

export interface Flight {
  readonly date: number;
  readonly origin: string;
  readonly destination: string;
  readonly delay: number;
  readonly distance: number;
}

export async function* flightBatches(limit: number, batchSize: number): AsyncGenerator<Flight[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '256MB' });
  const connection = await instance.connect();
  const sql = `SELECT epoch_ms(date)::DOUBLE, origin, destination, delay::DOUBLE, distance::DOUBLE FROM read_parquet('${FLIGHTS_FILE}') LIMIT ${limit}`;
  const result = await connection.stream(sql);
  let batch: Flight[] = [];
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    const [dates, origins, destinations, delays, distances] = chunk.getColumns() as [
      number[],
      string[],
      string[],
      number[],
      number[],
    ];
    for (let i = 0; i < chunk.rowCount; i++) {
      batch.push({
        date: dates[i] as number,
        origin: origins[i] as string,
        destination: destinations[i] as string,
        delay: delays[i] as number,
        distance: distances[i] as number,
      });
      if (batch.length === batchSize) {
        yield batch;
        batch = [];
      }
    }
  }
  if (batch.length > 0) yield batch;
  connection.closeSync();
  instance.closeSync();
}
