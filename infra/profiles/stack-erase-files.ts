/** Files of data sets, as an erasure of the stack looks at them. */
import { join, resolve } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { ErasureScope } from '#domain/erasure/scope.ts';
import { dataSetsWith } from './erase-data-sets.ts';

/** Paths of the data sets that have the entity. */
export const dataSetsIn = async (
  connection: DuckDBConnection,
  directories: readonly string[],
  scope: ErasureScope,
): Promise<readonly string[]> => {
  const found: string[] = [];
  for (const directory of directories) {
    const home = join(resolve(directory), 'datasets');
    for (const name of await dataSetsWith(connection, home, scope)) found.push(join(home, name));
  }
  return found;
};
