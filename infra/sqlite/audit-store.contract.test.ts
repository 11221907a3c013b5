import { join } from 'node:path';
import { openDatabase } from '#infra/sqlite/database.ts';
import { auditStoreContract } from '#tests/contracts/audit-store.contract.ts';
import { temporaryDirectory } from '#tests/contracts/sqlite.ts';
import { sqliteAuditStore } from './audit-store.ts';

auditStoreContract('SQLite', async () => {
  const directory = temporaryDirectory();
  const open = () => openDatabase(join(directory.path, 'millrace.db'));
  let database = open();
  const store = sqliteAuditStore(database);
  return {
    store,
    // One process owns the file: its second store is on the same connection.
    another: async () => sqliteAuditStore(database),
    async reopen() {
      database.close();
      database = open();
      return sqliteAuditStore(database);
    },
    async close() {
      database.close();
      directory.remove();
    },
  };
});
