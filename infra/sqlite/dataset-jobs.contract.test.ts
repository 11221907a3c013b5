import { openDatabase } from '#infra/sqlite/database.ts';
import { sqliteDatasetJobs } from '#infra/sqlite/dataset-jobs.ts';
import { datasetJobsContract } from '#tests/contracts/dataset-jobs.contract.ts';

datasetJobsContract('SQLite', async (kept) => {
  const database = openDatabase(':memory:');
  let aged = 0;
  const open = () => sqliteDatasetJobs(database, () => Date.now() + aged, kept);
  return {
    both: [open(), open()],
    async age(ms) {
      aged += ms;
    },
  };
});
