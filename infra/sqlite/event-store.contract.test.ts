import { join } from 'node:path';
import { openDatabase } from '#infra/sqlite/database.ts';
import { sqliteEventStore } from '#infra/sqlite/event-store.ts';
import { eventStoreContract } from '#tests/contracts/event-store.contract.ts';
import { temporaryDirectory } from '#tests/contracts/sqlite.ts';

eventStoreContract('SQLite', async () => {
  const directory = temporaryDirectory();
  const open = () => openDatabase(join(directory.path, 'millrace.db'));
  let database = open();
  return {
    store: sqliteEventStore(database),
    async reopen() {
      database.close();
      database = open();
      return sqliteEventStore(database);
    },
    async close() {
      database.close();
      directory.remove();
    },
  };
});
