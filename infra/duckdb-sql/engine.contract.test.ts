import { localFiles } from '#infra/files/local-files.ts';
import { sqlEngineContract } from '#tests/contracts/sql-engine.contract.ts';
import { sqlTestTables } from '#tests/support/sql-tables.ts';
import { duckDbSql } from './engine.ts';

sqlEngineContract('DuckDB', async () => {
  const tables = await sqlTestTables();
  const engine = duckDbSql({ files: localFiles(), warn: () => {}, memoryMb: 128 });
  return {
    ...tables,
    engine,
    async dispose() {
      await engine.close();
      tables.remove();
    },
  };
});
