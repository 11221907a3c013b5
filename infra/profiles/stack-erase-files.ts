/** Files of data sets, as an erasure of the stack looks at them. */
import { join, resolve } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Remains } from '#domain/erasure/certificate.ts';
import type { ErasureScope } from '#domain/erasure/scope.ts';
import type { DatasetJob } from '#domain/ports/dataset-jobs.ts';
import { dataSetsWith } from './erase-data-sets.ts';
import { listed } from './erase-remains.ts';

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

/** Data sets that were built in other directories of gateways than these. */
export const dataSetsElsewhere = (
  jobs: readonly Pick<DatasetJob, 'status' | 'host'>[],
  directories: readonly string[],
): readonly Remains[] => {
  const homes = directories.map((directory) => `${resolve(directory, 'datasets')}/`);
  const elsewhere = jobs.flatMap(({ status: { out }, host }) =>
    out === null || homes.some((home) => out.startsWith(home)) ? [] : [`${host}:${out}`],
  );
  return elsewhere.length === 0
    ? []
    : [
        {
          what: `data sets in other directories: ${listed(elsewhere)}`,
          why: 'they were not searched: name the --data of each gateway, or remove the files',
        },
      ];
};
