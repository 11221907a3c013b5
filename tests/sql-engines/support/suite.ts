/**
 * What every engine on servers of its own is tested with: the contract, and the answers to the
 * questions, which must be those of DuckDB, on tables that the embedded profile wrote.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RemoteEngine } from '#domain/sql/tables/engine-names.ts';
import { openSqlEngines } from '#infra/sql-engines/open-engines.ts';
import type { SqlEngineSettings } from '#infra/sql-engines/settings.ts';
import { type SqlEngineLacks, sqlEngineContract } from '#tests/contracts/sql-engine.contract.ts';
import { type EmbeddedShop, openEmbeddedShop } from './embedded-shop.ts';
import { type NumbersCatalog, openNumbers } from './numbers.ts';
import { answerOf, questionsOf, shopOf } from './shop.ts';

/** A running engine. */
export interface EngineServer {
  readonly close: () => Promise<void>;
}

export interface EngineSuite {
  readonly engine: RemoteEngine;
  readonly title: string;
  /** the port of the engine, which is not used yet */
  readonly url: (port: number) => string;
  /** Starts it with catalogs: name → address of an Iceberg catalog. */
  readonly start: (
    port: number,
    catalogs: Readonly<Record<string, string>>,
  ) => Promise<EngineServer>;
  readonly freePort: () => Promise<number>;
  /** default: millrace */
  readonly user?: string;
  readonly lacks?: SqlEngineLacks;
  readonly timeoutMs: number;
}

const CONTRACT_MEMORY_MB = 128;

export const engineSuite = (suite: EngineSuite): void => {
  const { engine, title, lacks, timeoutMs } = suite;
  let numbers: NumbersCatalog;
  let shop: EmbeddedShop;
  let server: EngineServer | undefined;
  let settings: SqlEngineSettings;

  beforeAll(async () => {
    const port = await suite.freePort();
    settings = {
      engine,
      url: suite.url(port),
      user: suite.user ?? 'millrace',
      catalog: 'millrace',
      init: [],
    };
    numbers = await openNumbers();
    shop = await openEmbeddedShop([settings]);
    server = await suite.start(port, { millrace: shop.uri, numbers: numbers.uri });
  }, timeoutMs);
  afterAll(async () => {
    await server?.close();
    await shop?.close();
    await numbers?.close();
  }, timeoutMs);

  sqlEngineContract(
    title,
    async () => {
      const [opened] = await openSqlEngines([
        { ...settings, catalog: 'numbers', memoryMb: CONTRACT_MEMORY_MB },
      ]);
      if (opened === undefined) throw new Error('no engine');
      return {
        engine: opened,
        numbers: numbers.numbers,
        older: numbers.older,
        dispose: () => opened.close(),
      };
    },
    lacks,
  );

  test(`${title} reads the snapshot that a table is pinned at, or nothing`, async () => {
    const [opened] = await openSqlEngines([{ ...settings, catalog: 'numbers' }]);
    const { numbers: table } = numbers;
    const snapshot = (table.stored?.snapshot ?? 0n) + 1n;
    const stored = table.stored === null ? null : { ...table.stored, snapshot };
    const asked = opened?.query({
      sql: 'SELECT count(*) FROM numbers',
      tables: async () => [{ ...table, stored }],
      limits: { seconds: 60, rows: 10 },
    });
    await expect(asked).rejects.toMatchObject({
      code: expect.stringMatching(/^MR_SQL_(INVALID|ENGINE_FAILED)$/),
    });
    await opened?.close();
  }, 120_000);

  describe(`${title}: tables of the embedded profile`, () => {
    test.each(questionsOf(shopOf()))(
      '%s',
      async (sql) => {
        const { platform } = shop.test;
        const expected = await answerOf(platform, 'duckdb', sql, shop.known);
        expect(expected.rows.length).toBeGreaterThan(0);
        expect(await answerOf(platform, engine, sql, shop.known)).toEqual(expected);
      },
      120_000,
    );

    test('says what is wrong, and which engine it is', async () => {
      const { platform } = shop.test;
      for (const [sql, code] of [
        [`SELECT nothing FROM raw_${shop.shop.sales}`, 'MR_SQL_INVALID'],
        ['SELECT * FROM raw_nothing', 'MR_SQL_INVALID'],
        [`SELECT * FROM other.raw_${shop.shop.sales}`, 'MR_SQL_REFUSED'],
      ] as const)
        await expect(answerOf(platform, engine, sql)).rejects.toMatchObject({ code });
    }, 120_000);
  });
};
