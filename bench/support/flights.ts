/**
 * The real flights (npm vega-datasets) as events of the examples' source, in batches, in file
 * order.
 */
import { fileURLToPath } from 'node:url';
import { CHUNK_ROWS } from '#infra/shared/duckdb/column-parts.ts';
import { createDictionary, readNumbers } from '#infra/shared/duckdb/column-reader.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';

export const FLIGHTS_FILE = fileURLToPath(
  new URL('../../node_modules/vega-datasets/data/flights-3m.parquet', import.meta.url),
);

interface Flight {
  readonly date: number;
  readonly origin: string;
  readonly destination: string;
  readonly delay: number;
  readonly distance: number;
}

export async function* flightBatches(limit: number, batchSize: number): AsyncGenerator<Flight[]> {
  const database = await openDuckDb({ threads: 1, memoryLimit: '256MB' });
  const connection = await database.connect();
  const result = await connection.stream(
    `SELECT epoch_ms(date)::DOUBLE, delay::DOUBLE, distance::DOUBLE, origin, destination FROM read_parquet('${FLIGHTS_FILE}') LIMIT ${limit}`,
  );
  const [origins, destinations] = [createDictionary(), createDictionary()];
  const numbers = [0, 1, 2].map(() => new Float64Array(CHUNK_ROWS));
  const codes = [0, 1].map(() => new Int32Array(CHUNK_ROWS));
  const [dates, delays, distances] = numbers as [Float64Array, Float64Array, Float64Array];
  const [origin, destination] = codes as [Int32Array, Int32Array];
  let batch: Flight[] = [];
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    numbers.forEach((into, column) => {
      readNumbers(chunk, column, 'double', into, 0);
    });
    origins.read(chunk, 3, origin, 0);
    destinations.read(chunk, 4, destination, 0);
    for (let i = 0; i < chunk.rowCount; i++) {
      batch.push({
        date: dates[i] as number,
        origin: origins.values[origin[i] as number] as string,
        destination: destinations.values[destination[i] as number] as string,
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
  database.close();
}
