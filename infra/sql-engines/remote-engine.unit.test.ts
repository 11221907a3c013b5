/** What all engines on servers of their own share: tables, limits, endings, formats. */
import { expect, test } from 'vitest';
import type { SqlQuery, SqlTable } from '#domain/ports/sql-engine.ts';
import type { SqlBatch } from '#domain/sql-results/sql-type.ts';
import type { Driver, DriverRequest } from './driver.ts';
import { remoteEngine } from './remote-engine.ts';

const LONG = { form: 'long', name: 'long' } as const;
const batch = (...values: readonly bigint[]): SqlBatch => ({
  rows: values.length,
  columns: [values],
});

const driven = (
  engine: Driver['engine'],
  batches: (request: DriverRequest) => AsyncGenerator<SqlBatch>,
) => {
  const requests: DriverRequest[] = [];
  const driver: Driver = {
    engine,
    async run(request) {
      requests.push(request);
      return { columns: [{ name: 'n', type: LONG }], batches: batches(request) };
    },
    close: async () => {},
  };
  return { engine: remoteEngine({ driver, catalog: 'lake', memoryMb: 64, atOnce: 2 }), requests };
};

async function* three(): AsyncGenerator<SqlBatch> {
  yield batch(1n, 2n);
  yield batch();
  yield batch(3n);
}

/** Until it is ended. */
async function* never({ signal }: DriverRequest): AsyncGenerator<SqlBatch> {
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  yield batch(1n);
}

const table = (stored: SqlTable['stored']): SqlTable => ({
  name: 'raw_a',
  columns: [
    { name: 'n', field: 'n', fieldId: 1, type: 'long' },
    { name: 'log_offset', field: '_offset', fieldId: 2, type: 'long' },
    { name: 'log_partition', field: '_partition', fieldId: 3, type: 'int' },
    { name: 'later', field: 'later', fieldId: null, type: 'timestamptz' },
  ],
  files: [],
  stored,
  below: { partition: 'log_partition', offset: 'log_offset', offsets: [5, 0] },
});
const ICEBERG = {
  format: 'iceberg',
  namespace: 'raw',
  name: 'a',
  snapshot: 9_007_199_254_740_993n,
} as const;

const request = (sql: string, more: Partial<SqlQuery> = {}): SqlQuery => ({
  sql,
  tables: async () => [table(ICEBERG)],
  limits: { seconds: 60, rows: 10 },
  ...more,
});

const valuesOf = async (batches: AsyncIterable<SqlBatch>): Promise<unknown[]> => {
  const all: unknown[] = [];
  for await (const { columns } of batches) all.push(...(columns[0] ?? []));
  return all;
};

test('a statement reads its tables at their snapshots, below the offsets', async () => {
  const expected: Readonly<Record<string, string>> = {
    trino:
      'WITH "raw_a" AS (SELECT "n", "_offset" AS "log_offset", "_partition" AS "log_partition", CAST(NULL AS TIMESTAMP(6) WITH TIME ZONE) AS "later" FROM "lake"."raw"."a" FOR VERSION AS OF 9007199254740993 WHERE ("_partition" = 0 AND "_offset" < 5) OR ("_partition" = 1 AND "_offset" < 0))\nSELECT n FROM "raw_a"',
    clickhouse:
      "WITH `raw_a` AS (SELECT `n`, `_offset` AS `log_offset`, `_partition` AS `log_partition`, CAST(NULL AS Nullable(DateTime64(6, 'UTC'))) AS `later` FROM `lake`.`raw.a` WHERE (`_partition` = 0 AND `_offset` < 5) OR (`_partition` = 1 AND `_offset` < 0) SETTINGS iceberg_snapshot_id = 9007199254740993)\nSELECT n FROM `raw_a`",
    flink:
      "WITH `raw_a` AS (SELECT `n`, `_offset` AS `log_offset`, `_partition` AS `log_partition`, CAST(NULL AS TIMESTAMP_LTZ(6)) AS `later` FROM `lake`.`raw`.`a` /*+ OPTIONS('snapshot-id'='9007199254740993') */ WHERE (`_partition` = 0 AND `_offset` < 5) OR (`_partition` = 1 AND `_offset` < 0))\nSELECT n FROM `raw_a`",
  };
  for (const [name, sql] of Object.entries(expected)) {
    const { engine, requests } = driven(name as Driver['engine'], three);
    const answer = await engine.query(request('SELECT n FROM RAW_A'));
    expect(requests[0]?.sql).toBe(sql);
    expect([answer.rows, await valuesOf(answer.batches)]).toEqual([3, [1n, 2n, 3n]]);
  }
});

test('a table without a commit has no rows, and all columns', async () => {
  const { engine, requests } = driven('doris', three);
  await engine.query(request('SELECT * FROM raw_a', { tables: async () => [table(null)] }));
  expect(requests[0]?.sql).toContain('CAST(NULL AS BIGINT) AS `n`');
  expect(requests[0]?.sql).toContain('WHERE _x = 0');
});

test('an engine refuses tables of a format that it reads wrongly, and names others', async () => {
  const paimon = { ...ICEBERG, format: 'paimon-primary-key' } as const;
  for (const name of ['clickhouse', 'trino', 'presto'] as const) {
    const { engine, requests } = driven(name, three);
    const asked = engine.query(
      request('SELECT * FROM raw_a', { tables: async () => [table(paimon)] }),
    );
    await expect(asked).rejects.toMatchObject({
      code: 'MR_SQL_TABLE_UNREADABLE',
      details: { table: 'raw_a', engines: ['spark', 'starrocks', 'doris', 'flink'] },
    });
    expect(requests).toEqual([]);
  }
  const { engine } = driven('spark', three);
  const read = engine.query(
    request('SELECT * FROM raw_a', { tables: async () => [table(paimon)] }),
  );
  expect((await read).rows).toBe(3);
});

test('more rows than the limit end the statement', async () => {
  const { engine, requests } = driven('trino', three);
  const limits = { seconds: 60, rows: 2 };
  await expect(engine.query(request('SELECT 1', { limits }))).rejects.toMatchObject({
    code: 'MR_SQL_LIMIT',
    details: { limit: 'rows', rows: 2 },
  });
  expect(requests[0]?.signal.aborted).toBe(true);
});

test('time ends a statement, also where the engine does not answer', async () => {
  const { engine, requests } = driven('trino', never);
  const limits = { seconds: 0.05, rows: 2 };
  await expect(engine.query(request('SELECT 1', { limits }))).rejects.toMatchObject({
    code: 'MR_SQL_LIMIT',
    details: { limit: 'seconds' },
  });
  expect(requests[0]?.signal.aborted).toBe(true);
});

test('a caller that goes, and a server that stops, end statements', async () => {
  const { engine, requests } = driven('trino', never);
  const gone = new AbortController();
  const one = engine.query(request('SELECT 1', { signal: gone.signal }));
  const two = engine.query(request('SELECT 1'));
  await expect(engine.query(request('SELECT 1'))).rejects.toMatchObject({ code: 'MR_OVERLOADED' });
  gone.abort();
  await expect(one).rejects.toMatchObject({ name: 'AbortError' });
  const ended = expect(two).rejects.toMatchObject({ name: 'AbortError' });
  await engine.close();
  await ended;
  expect(requests.map(({ signal }) => signal.aborted)).toEqual([true, true]);
  await expect(engine.query(request('SELECT 1'))).rejects.toMatchObject({ code: 'MR_UNAVAILABLE' });
});

test('what is no query of tables is refused before tables are asked for', async () => {
  const { engine, requests } = driven('trino', three);
  const tables = async (): Promise<never> => {
    throw new Error('asked');
  };
  await expect(engine.query(request('DROP TABLE raw_a', { tables }))).rejects.toMatchObject({
    code: 'MR_SQL_REFUSED',
  });
  await expect(engine.query(request('SELECT 1', { tables }))).rejects.toThrow('asked');
  expect(requests).toEqual([]);
});
