import { afterAll } from 'vitest';
import { type MysqlDatabase, openMysql } from '#infra/mysql/database.ts';
import { mysqlProducerOwners } from '#infra/mysql/producer-owners.ts';
import { producerOwnersContract } from '#tests/contracts/producer-owners.contract.ts';
import { emptyDatabase } from '#tests/stack/support/mysql.ts';

const opened: MysqlDatabase[] = [];
afterAll(async () => {
  for (const database of opened) await database.close();
});

producerOwnersContract('mysql', async () => {
  const address = await emptyDatabase();
  const [one, two] = [await openMysql(address), await openMysql(address)];
  opened.push(one, two);
  return [mysqlProducerOwners(one), mysqlProducerOwners(two)];
});
