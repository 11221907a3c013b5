import { afterAll } from 'vitest';
import { type MysqlDatabase, openMysql } from '#infra/mysql/database.ts';
import { mysqlDatasetJobs } from '#infra/mysql/dataset-jobs.ts';
import { datasetJobsContract } from '#tests/contracts/dataset-jobs.contract.ts';
import { emptyDatabase } from '#tests/stack/support/mysql.ts';

const opened: MysqlDatabase[] = [];
afterAll(async () => {
  for (const database of opened) await database.close();
});

datasetJobsContract('mysql', async (kept) => {
  const address = await emptyDatabase();
  const [one, two] = [await openMysql(address), await openMysql(address)];
  opened.push(one, two);
  return {
    both: [mysqlDatasetJobs(one, kept), mysqlDatasetJobs(two, kept)],
    age: (ms) =>
      one.transaction(({ run }) => run('UPDATE dataset_job SET heartbeat = heartbeat - ?', [ms])),
  };
});
