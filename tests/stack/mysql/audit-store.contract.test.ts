import { mysqlAuditStore } from '#infra/mysql/audit-store.ts';
import { type MysqlDatabase, openMysql } from '#infra/mysql/database.ts';
import { auditStoreContract } from '#tests/contracts/audit-store.contract.ts';
import { emptyDatabase } from '#tests/stack/support/mysql.ts';

auditStoreContract('mysql', async () => {
  const address = await emptyDatabase();
  const opened: MysqlDatabase[] = [];
  const open = async () => {
    const database = await openMysql(address);
    opened.push(database);
    return mysqlAuditStore(database);
  };
  return {
    store: await open(),
    another: open,
    reopen: open,
    async close() {
      for (const database of opened) await database.close();
    },
  };
});
