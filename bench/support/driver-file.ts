/**
 * The rows of drivers as a Parquet file, which Feast reads, and as they are read from it here, so
 * that both sides have the same values. Even columns are whole numbers, odd ones fractions with all
 * digits.
 */
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import type { DriverRow } from './redis-rig.ts';

export interface DriverFile {
  readonly rows: () => Promise<Iterable<DriverRow>>;
  readonly close: () => void;
}

function* rowsOf(
  names: readonly string[],
  columns: readonly (readonly unknown[])[],
): Generator<DriverRow> {
  const count = columns[0]?.length ?? 0;
  for (let i = 0; i < count; i++) {
    const row: Record<string, number> = {};
    for (let c = 0; c < names.length; c++)
      row[names[c] as string] = (columns[c] as readonly unknown[])[i] as number;
    yield row;
  }
}

/** @param file where the file is written */
export const makeDriverFile = async (
  file: string,
  entities: number,
  columns: number,
): Promise<DriverFile> => {
  const database = await openDuckDb({ threads: 2, memoryLimit: '2GB' });
  const connection = await database.connect();
  const values = Array.from({ length: columns }, (_, i) =>
    i % 2 === 0
      ? `(hash(i * 100 + ${i}) % 1000000)::BIGINT AS f${i}`
      : `(hash(i * 100 + ${i}) / 18446744073709551616)::DOUBLE AS f${i}`,
  );
  await connection.run(
    `COPY (SELECT i AS driver_id, TIMESTAMPTZ '2025-01-01 00:00:00Z' + to_milliseconds(i) AS event_timestamp, ${values.join(', ')}
     FROM range(${entities}) t(i)) TO '${file}' (FORMAT parquet)`,
  );
  const names = ['driver_id', 'event_timestamp', ...values.map((_, i) => `f${i}`)];
  const doubles = names.map((name) =>
    name === 'event_timestamp' ? 'epoch_ms(event_timestamp)::DOUBLE' : `${name}::DOUBLE`,
  );
  return {
    async rows() {
      const result = await connection.runAndReadAll(
        `SELECT ${doubles.join(', ')} FROM read_parquet('${file}')`,
      );
      return rowsOf(names, result.getColumns());
    },
    close() {
      connection.closeSync();
      database.close();
    },
  };
};
