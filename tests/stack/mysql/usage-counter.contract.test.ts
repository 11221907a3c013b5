import { afterAll } from 'vitest';
import { type MysqlDatabase, openMysql } from '#infra/mysql/database.ts';
import { mysqlUsageCounter } from '#infra/mysql/usage-counter.ts';
import { usageCounterContract } from '#tests/contracts/usage-counter.contract.ts';
import { emptyDatabase } from '#tests/stack/support/mysql.ts';

const opened: MysqlDatabase[] = [];
afterAll(async () => {
  for (const database of opened) await database.close();
});

usageCounterContract('mysql', async () => {
  const address = await emptyDatabase();
  const [one, two] = [await openMysql(address), await openMysql(address)];
  opened.push(one, two);
  return [mysqlUsageCounter(one), mysqlUsageCounter(two)];
});
