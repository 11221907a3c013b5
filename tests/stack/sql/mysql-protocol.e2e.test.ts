/**
 * The driver of StarRocks and Doris over MySQL's protocol, against MariaDB, where the SQL is the
 * same: types, values, errors, limits, cancel. What only those engines have (catalogs, snapshots,
 * names of variables) is not run anywhere.
 */
import mysql from 'mysql2/promise';
import { expect, test } from 'vitest';
import type { SqlBatch } from '#domain/sql-results/sql-type.ts';
import type { DriverRequest } from '#infra/sql-engines/driver.ts';
import { mysqlDriver } from '#infra/sql-engines/mysql.ts';
import { remoteEngine } from '#infra/sql-engines/remote-engine.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import { until } from '#tests/stack/support/until.ts';

const driverTo = (port: number, password: string) => {
  const { host, user } = addresses().mysql;
  return mysqlDriver({
    engine: 'starrocks',
    url: `mysql://${host}:${port}`,
    user,
    password,
    session: ({ limits }) => [
      `SET time_zone = '+00:00'`,
      `SET max_statement_time = ${limits.seconds}`,
    ],
  });
};
const driver = () => driverTo(addresses().mysql.port, addresses().mysql.password);

const requestOf = (sql: string, seconds = 20, signal = new AbortController().signal) =>
  ({ sql, limits: { seconds, rows: 10 }, memoryMb: 64, signal }) satisfies DriverRequest;

const run = async (request: DriverRequest, of = driver()) => {
  const answer = await of.run(request);
  const batches: SqlBatch[] = [];
  for await (const batch of answer.batches) batches.push(batch);
  return { columns: answer.columns, batches };
};

test('types and values, with all digits', async () => {
  const values = `CAST(9223372036854775807 AS SIGNED) AS l,
    CAST('12345678901234567.25' AS DECIMAL(20, 2)) AS d,
    CAST('2026-01-02 03:04:05.678901' AS DATETIME(6)) AS t,
    CAST('1969-12-31' AS DATE) AS day, 0.1e0 AS f, 'it\\'s "ü"' AS s, X'0102' AS b`;
  const { columns, batches } = await run(
    requestOf(`SELECT ${values} UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL`),
  );
  expect(columns.map(({ name, type }) => `${name} ${type.name}`)).toEqual([
    'l long',
    'd decimal(20,2)',
    't timestamp',
    'day date',
    'f double',
    's string',
    'b bytes',
  ]);
  expect(batches).toEqual([
    {
      rows: 2,
      columns: [
        [9223372036854775807n, null],
        ['12345678901234567.25', null],
        [BigInt(Date.UTC(2026, 0, 2, 3, 4, 5)) * 1000n + 678901n, null],
        [-1, null],
        [0.1, null],
        ['it\'s "ü"', null],
        [Uint8Array.from([1, 2]), null],
      ],
    },
  ]);
});

test('a result without rows has its columns, and one of many rows all of them', async () => {
  expect(await run(requestOf('SELECT 1 AS n FROM DUAL WHERE 1 = 0'))).toMatchObject({
    columns: [{ name: 'n' }],
    batches: [],
  });
  const { batches } = await run(
    requestOf(
      'SELECT 1 AS n FROM information_schema.COLUMNS a CROSS JOIN information_schema.COLUMNS b LIMIT 5000',
    ),
  );
  expect(batches.reduce((rows, batch) => rows + batch.rows, 0)).toBe(5_000);
});

test('what is wrong, and what is not there', async () => {
  await expect(run(requestOf('SELECT nothing'))).rejects.toMatchObject({
    code: 'MR_SQL_INVALID',
    message: expect.stringContaining('nothing'),
  });
  await expect(run(requestOf('SELECT SLEEP(30)', 1))).rejects.toMatchObject({
    code: 'MR_SQL_LIMIT',
    details: { limit: 'seconds' },
  });
  await expect(run(requestOf('SELECT 1'), driverTo(1, ''))).rejects.toMatchObject({
    code: 'MR_SQL_ENGINE_UNAVAILABLE',
  });
  const { port } = addresses().mysql;
  await expect(run(requestOf('SELECT 1'), driverTo(port, 'wrong'))).rejects.toMatchObject({
    code: 'MR_SQL_ENGINE_FAILED',
  });
});

test('through the engine: limits, and nothing but a query', async () => {
  const engine = remoteEngine({ driver: driver(), catalog: 'none' });
  const query = (sql: string, rows: number) =>
    engine.query({ sql, tables: async () => [], limits: { seconds: 20, rows } });
  const two = 'SELECT 1 AS n UNION ALL SELECT 2';
  expect((await query(two, 2)).rows).toBe(2);
  await expect(query(two, 1)).rejects.toMatchObject({
    code: 'MR_SQL_LIMIT',
    details: { limit: 'rows' },
  });
  await expect(query('SELECT SLEEP(1)', 1)).rejects.toMatchObject({ code: 'MR_SQL_REFUSED' });
  await engine.close();
});

test('a statement that is ended does not run on', async () => {
  const abort = new AbortController();
  const mark = `millrace-${process.pid}`;
  const asleep = driver().run(requestOf(`SELECT SLEEP(60), '${mark}'`, 60, abort.signal));
  asleep.catch(() => {});
  const connection = await mysql.createConnection(addresses().mysql);
  const runs = async (): Promise<boolean> => {
    const [rows] = await connection.query('SHOW FULL PROCESSLIST');
    return (rows as unknown as readonly { readonly Info: string | null }[]).some(({ Info }) =>
      Info?.includes(`SLEEP(60), '${mark}'`),
    );
  };
  try {
    await until('the statement runs', runs, 10_000);
    abort.abort();
    await until('the statement ended', async () => !(await runs()), 10_000);
  } finally {
    await connection.end();
  }
});
