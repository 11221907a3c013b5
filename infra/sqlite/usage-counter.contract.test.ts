import { openDatabase } from '#infra/sqlite/database.ts';
import { sqliteUsageCounter } from '#infra/sqlite/usage-counter.ts';
import { usageCounterContract } from '#tests/contracts/usage-counter.contract.ts';

usageCounterContract('SQLite', async () => {
  const database = openDatabase(':memory:');
  return [sqliteUsageCounter(database), sqliteUsageCounter(database)];
});
