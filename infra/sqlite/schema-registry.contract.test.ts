import { join } from 'node:path';
import { openDatabase } from '#infra/sqlite/database.ts';
import { sqliteSchemaRegistry } from '#infra/sqlite/schema-registry.ts';
import { schemaRegistryContract } from '#tests/contracts/schema-registry.contract.ts';
import { temporaryDirectory } from '#tests/contracts/sqlite.ts';

schemaRegistryContract('SQLite', async () => {
  const directory = temporaryDirectory();
  const open = () => openDatabase(join(directory.path, 'millrace.db'));
  let database = open();
  return {
    registry: sqliteSchemaRegistry(database),
    async reopen() {
      database.close();
      database = open();
      return sqliteSchemaRegistry(database);
    },
    async close() {
      database.close();
      directory.remove();
    },
  };
});
