/** Which data sets an erasure of the stack has not searched. */
import { relative } from 'node:path';
import { expect, test } from 'vitest';
import type { DatasetJob } from '#domain/ports/dataset-jobs.ts';
import { dataSetsElsewhere } from './stack-erase-files.ts';

const job = (host: string, out: string | null) =>
  ({ host, status: { out } }) as Pick<DatasetJob, 'status' | 'host'>;

test('data sets of gateways whose directories were not named, also by a relative path', () => {
  const jobs = [
    job('one', '/data/one/datasets/a.parquet'),
    job('two', '/data/two/datasets/b.csv'),
    job('two', null),
  ];
  const whatOf = (...directories: readonly string[]) =>
    dataSetsElsewhere(jobs, directories).map(({ what }) => what);
  expect(whatOf('/data/one/')).toEqual([
    'data sets in other directories: two:/data/two/datasets/b.csv',
  ]);
  expect(whatOf('/data/one', relative(process.cwd(), '/data/two'))).toEqual([]);
  expect(whatOf('/data')).toHaveLength(1);
});
