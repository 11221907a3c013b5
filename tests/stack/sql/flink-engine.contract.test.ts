/**
 * Flink by its SQL Gateway, on tables that it finds in an Iceberg REST catalog; with
 * MILLRACE_TEST_ENGINES=all.
 */
import { afterAll, beforeAll, describe } from 'vitest';
import { openSqlEngines } from '#infra/sql-engines/open-engines.ts';
import { sqlEngineContract } from '#tests/contracts/sql-engine.contract.ts';
import { type NumbersCatalog, openNumbers } from '#tests/sql-engines/support/numbers.ts';
import { addresses } from '#tests/stack/support/addresses.ts';

const all = process.env.MILLRACE_TEST_ENGINES === 'all';
if (!all)
  console.warn('The contract of SQL engines is run on Flink with MILLRACE_TEST_ENGINES=all');

let numbers: NumbersCatalog;

// It takes most of a minute.
describe.runIf(all)('Flink', () => {
  beforeAll(async () => {
    numbers = await openNumbers();
  });
  afterAll(() => numbers?.close());

  sqlEngineContract(
    'Flink',
    async () => {
      const catalog = 'numbers';
      const init = [
        `CREATE CATALOG ${catalog} WITH ('type' = 'iceberg', 'catalog-type' = 'rest', 'uri' = '${numbers.uri}', 'cache-enabled' = 'false')`,
      ];
      const settings = {
        engine: 'flink',
        url: addresses().sqlGateway,
        user: '',
        catalog,
        init,
      } as const;
      const [engine] = await openSqlEngines([settings]);
      if (engine === undefined) throw new Error('no engine');
      return {
        engine,
        numbers: numbers.numbers,
        older: numbers.older,
        dispose: () => engine.close(),
      };
    },
    { memory: ' (its memory is that of its TaskManagers)' },
  );
});
