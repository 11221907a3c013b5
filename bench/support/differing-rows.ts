/** How many rows of two Parquet files of the same rows differ. */
import { join } from 'node:path';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';

export const differingRows = async (
  directory: string,
  first: string,
  second: string,
): Promise<number> => {
  const spillDirectory = join(directory, 'compare.spill');
  const duckDb = await openDuckDb({ threads: 2, spillDirectory });
  const connection = await duckDb.connect();
  await connection.run('SET preserve_insertion_order = true');
  const described = await connection.runAndReadAll(
    `DESCRIBE SELECT * FROM read_parquet('${first}')`,
  );
  const columns = described.getRows().map(([name]) => `a."${name}" IS DISTINCT FROM b."${name}"`);
  const counted = await connection.runAndReadAll(
    `SELECT count(*)::DOUBLE FROM read_parquet('${first}') a POSITIONAL JOIN read_parquet('${second}') b WHERE ${columns.join(' OR ')}`,
  );
  connection.closeSync();
  duckDb.close();
  return Number(counted.getRows()[0]?.[0]);
};
