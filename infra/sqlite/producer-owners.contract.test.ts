import { openDatabase } from '#infra/sqlite/database.ts';
import { sqliteProducerOwners } from '#infra/sqlite/producer-owners.ts';
import { producerOwnersContract } from '#tests/contracts/producer-owners.contract.ts';

producerOwnersContract('SQLite', async () => {
  const database = openDatabase(':memory:');
  return [sqliteProducerOwners(database), sqliteProducerOwners(database)];
});
