/**
 * Statements that reach for more than their tables: files, the network, settings, the environment,
 * the engine's own catalog, memory. Each is refused, and the engine answers the next one.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MillraceError } from '#domain/errors.ts';
import type { SqlEngine } from '#domain/ports/sql-engine.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { type SqlTestTables, sqlTestTables } from '#tests/support/sql-tables.ts';
import { duckDbSql } from './engine.ts';
import { lockWith, openSession } from './session.ts';
import { tablesOf } from './statement.ts';

let files: SqlTestTables;
let engine: SqlEngine;
beforeAll(async () => {
  files = await sqlTestTables();
  engine = duckDbSql({ files: localFiles(), warn: () => {}, memoryMb: 128 });
});
afterAll(async () => {
  await engine.close();
  files.remove();
});

const run = async (sql: string, seconds = 20): Promise<number> => {
  const { rows, close } = await engine.query({
    sql,
    limits: { seconds, rows: 100_000 },
    async tables(names) {
      if (names.some((name) => name !== 'numbers'))
        throw new MillraceError('MR_SQL_INVALID', `there is no table "${names}"`);
      return names.map(() => files.numbers);
    },
  });
  close();
  return rows;
};

/** Refused by what they are, as their tree shows. FILE is a file of a table, SECRET another. */
const STATEMENTS = [
  // other statements than queries
  'INSERT INTO numbers VALUES (1)',
  'UPDATE numbers SET n = 1',
  'DELETE FROM numbers',
  'CREATE TABLE t AS SELECT 1',
  'CREATE VIEW numbers AS SELECT 1',
  "CREATE MACRO m() AS TABLE (FROM 'SECRET')",
  'DROP VIEW numbers',
  'ALTER VIEW numbers RENAME TO x',
  "COPY (SELECT 1) TO 'DIRECTORY/out.csv'",
  "COPY numbers FROM 'SECRET'",
  "COPY (SELECT 1) TO 'FILE' (FORMAT parquet)",
  "EXPORT DATABASE 'DIRECTORY/export'",
  "IMPORT DATABASE 'DIRECTORY'",
  "ATTACH 'DIRECTORY/other.db'",
  'DETACH memory',
  'USE memory',
  'INSTALL httpfs',
  'LOAD httpfs',
  'FORCE INSTALL httpfs FROM community',
  "SET memory_limit = '100GB'",
  'SET GLOBAL enable_external_access = true',
  'SET lock_configuration = false',
  'RESET memory_limit',
  'SET VARIABLE x = 1',
  'PRAGMA threads = 100',
  'PRAGMA database_list',
  'PRAGMA show_tables',
  "CALL pragma_table_info('numbers')",
  'CHECKPOINT',
  'VACUUM',
  'ANALYZE',
  'BEGIN',
  'COMMIT',
  'PREPARE p AS SELECT 1',
  'EXECUTE p',
  'EXPLAIN SELECT * FROM numbers',
  'EXPLAIN ANALYZE SELECT * FROM numbers',
  'CREATE SECRET s (TYPE s3)',
  'COMMENT ON VIEW numbers IS $$x$$',
  'SELECT 1; SELECT 2',
  'SELECT 1; DROP VIEW numbers',
  'SELECT 1; SET lock_configuration = false',
  '-- a comment',
  '',
  ';',
  'SELECT ?',
  'SELECT $x',
  // files
  "SELECT * FROM 'SECRET'",
  "SELECT * FROM 'FILE'",
  'SELECT * FROM "SECRET"',
  "SELECT * FROM '/etc/passwd'",
  "SELECT * FROM read_parquet('SECRET')",
  "SELECT * FROM read_parquet('FILE')",
  "SELECT * FROM parquet_scan('SECRET')",
  "SELECT * FROM read_csv('/etc/passwd', header = false)",
  "SELECT * FROM read_csv_auto('/etc/passwd')",
  "SELECT * FROM READ_TEXT('/etc/passwd')",
  "SELECT * FROM read_blob('/proc/self/environ')",
  "SELECT * FROM read_json('SECRET')",
  "SELECT * FROM read_ndjson_objects('SECRET')",
  "SELECT * FROM read_duckdb('SECRET')",
  "SELECT * FROM glob('/*')",
  "SELECT * FROM sniff_csv('/etc/passwd')",
  "SELECT * FROM parquet_metadata('FILE')",
  "SELECT * FROM parquet_kv_metadata('FILE')",
  "SELECT * FROM parquet_file_metadata('FILE')",
  "SELECT * FROM parquet_bloom_probe('FILE', 'n', 1)",
  "SELECT (SELECT content FROM read_text('/etc/passwd'))",
  "SELECT * FROM numbers WHERE text IN (SELECT content FROM read_text('/etc/passwd'))",
  "SELECT n FROM numbers ORDER BY (SELECT max(size) FROM read_blob('/etc/passwd'))",
  "SELECT n FROM numbers LIMIT (SELECT count(*) FROM read_text('/etc/passwd'))",
  "SELECT count(*) FILTER (WHERE EXISTS (FROM read_text('/etc/passwd'))) FROM numbers",
  "WITH x AS (FROM read_text('/etc/passwd')) SELECT * FROM x",
  "WITH RECURSIVE x AS (SELECT 1 UNION ALL SELECT 1 FROM read_text('/etc/passwd')) FROM x",
  "SELECT 1 UNION ALL SELECT size FROM read_blob('/etc/passwd')",
  "FROM numbers, LATERAL (SELECT * FROM read_text('/etc/' || text))",
  "FROM numbers SEMI JOIN read_text('/etc/passwd') ON true",
  "FROM (PIVOT (FROM read_text('/etc/passwd')) ON size IN (1) USING count(*))",
  "FROM (UNPIVOT (FROM read_text('/etc/passwd')) ON content)",
  "SELECT [x FOR x IN (SELECT list(content) FROM read_text('/etc/passwd'))]",
  "SELECT list_transform([1], lambda i: (SELECT size FROM read_text('/etc/passwd')))",
  "DESCRIBE SELECT * FROM 'SECRET'",
  "DESCRIBE 'SECRET'",
  "SUMMARIZE SELECT * FROM read_text('/etc/passwd')",
  "VALUES ((SELECT content FROM read_text('/etc/passwd')))",
  "FROM numbers TABLESAMPLE 10% WHERE n = (SELECT size FROM read_text('/etc/passwd'))",
  "SELECT row_number() OVER (ORDER BY (SELECT size FROM read_text('/etc/passwd'))) FROM numbers",
  "SELECT n FROM numbers GROUP BY n HAVING (SELECT true FROM read_text('/etc/passwd'))",
  "SELECT n FROM numbers QUALIFY (SELECT true FROM read_text('/etc/passwd'))",
  // the network
  "SELECT * FROM 'https://example.com/x.parquet'",
  "SELECT * FROM read_csv('http://169.254.169.254/latest/meta-data/')",
  "SELECT * FROM 's3://bucket/x.parquet'",
  // text that becomes SQL
  "SELECT * FROM query('SELECT 1')",
  "SELECT * FROM query_table('numbers')",
  "SELECT * FROM query_table(['SECRET'])",
  "FROM json_execute_serialized_sql(json_serialize_sql('FROM numbers'))",
  "FROM sql_auto_complete('SELECT * FROM ')",
  // the engine, its settings, its catalog
  'SELECT * FROM duckdb_settings()',
  'SELECT * FROM duckdb_views',
  'SELECT * FROM duckdb_views()',
  'SELECT * FROM duckdb_logs',
  'SELECT * FROM duckdb_secrets()',
  'SELECT * FROM duckdb_databases()',
  'SELECT * FROM duckdb_temporary_files()',
  'SELECT * FROM duckdb_external_file_cache()',
  'SELECT * FROM duckdb_functions()',
  'SELECT * FROM pragma_show($$numbers$$)',
  "SELECT * FROM pragma_table_info('numbers')",
  "SELECT * FROM pragma_storage_info('numbers')",
  'SELECT * FROM pragma_database_size()',
  'SELECT * FROM enable_logging()',
  'SELECT * FROM enable_profiling()',
  'SELECT * FROM checkpoint()',
  'SELECT * FROM force_checkpoint()',
  "SELECT * FROM which_secret('s3://a', 's3')",
  'SELECT * FROM information_schema.tables',
  'SELECT * FROM pg_catalog.pg_views',
  'SELECT * FROM pg_views',
  'SELECT * FROM sqlite_master',
  'SELECT * FROM system.main.duckdb_settings',
  'SELECT * FROM memory.main.numbers',
  'SELECT * FROM temp.numbers',
  'SHOW TABLES',
  'SHOW ALL TABLES',
  'SHOW DATABASES',
  'FROM (SHOW TABLES)',
  'WITH duckdb_settings AS (SELECT 1) FROM (FROM duckdb_settings)',
  'FROM (WITH duckdb_views AS (SELECT 1) FROM duckdb_views), duckdb_views',
  'FROM (WITH sqlite_master AS (SELECT 1) FROM sqlite_master), sqlite_master',
  'FROM (WITH RECURSIVE pg_views AS (SELECT 1) FROM pg_views), pg_views',
  `WITH "SECRET" AS (SELECT 1) FROM (FROM "SECRET"), 'SECRET'`,
  `WITH "https://x/y.csv" AS (SELECT 1) FROM "https://x/y.csv"`,
  "SELECT current_setting('allowed_paths')",
  "SELECT CURRENT_SETTING('memory_limit')",
  "SELECT main.current_setting('memory_limit')",
  "SELECT system.main.current_setting('memory_limit')",
  "SELECT getenv('HOME')",
  "SELECT getvariable('x')",
  'SELECT current_query()',
  'SELECT pg_get_viewdef(1)',
  'SELECT write_log($$x$$)',
  'SELECT sleep_ms(100000)',
  'SELECT pg_sleep(1000)',
  "SELECT nextval('s')",
  "SELECT list_aggregate([1], 'sum', current_setting('memory_limit'))",
  "SELECT n FROM numbers WHERE current_setting('memory_limit') = text",
  "SELECT json_serialize_plan('SELECT 1')",
  'FROM numbers AT (VERSION => 1)',
];

const filled = (sql: string): string =>
  sql
    .replaceAll('SECRET', files.secret)
    .replaceAll('FILE', join(files.directory, 'n.parquet'))
    .replaceAll('DIRECTORY', files.directory);

describe('the tree of a statement', () => {
  test.each(STATEMENTS)('refuses %s', async (template) => {
    const connection = await openSession('64MB');
    const sql = filled(template);
    try {
      const tables = await tablesOf(connection, sql);
      // The engine asks for these, and there are none of these names.
      expect(tables.filter((name) => name !== 'numbers')).not.toEqual([]);
    } catch (error) {
      expect(error).toBeInstanceOf(MillraceError);
      expect((error as MillraceError).code).toMatch(/^MR_SQL_(REFUSED|INVALID)$/);
      expect((error as MillraceError).message).not.toContain('n.parquet');
    }
  });

  test('accepts queries of all forms', async () => {
    const connection = await openSession('64MB');
    for (const sql of [
      'SELECT n FROM numbers',
      'FROM numbers',
      'TABLE numbers',
      'SELECT n FROM main.numbers',
      'WITH a AS (FROM numbers), b AS MATERIALIZED (FROM a) SELECT * FROM a JOIN b USING (n)',
      'SELECT * FROM numbers a ASOF JOIN numbers b ON a.n >= b.n',
      'WITH numbers AS (SELECT n FROM numbers WHERE n < 3) FROM numbers',
      'WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r, numbers WHERE i < 2) FROM r',
      'FROM (WITH a AS (SELECT 1) FROM a), numbers',
      'DESCRIBE numbers',
      'SUMMARIZE numbers',
      'SELECT unnest([1, 2]) FROM numbers, range(3), generate_series(1, 2)',
      'FROM (PIVOT numbers ON n IN (1, 2) USING count(*))',
      'SELECT list_transform([1, 2], lambda x: x + 1), {a: 1}, MAP {1: 2} FROM numbers',
      'SELECT n FROM numbers WINDOW w AS (ORDER BY n) QUALIFY row_number() OVER w = 1',
    ])
      expect([sql, await tablesOf(connection, sql)]).toEqual([sql, ['numbers']]);
    expect(await tablesOf(connection, 'VALUES (1)')).toEqual([]);
    // A name of WITH holds within its own query only.
    const outside = 'FROM (WITH secret AS (SELECT 1) FROM secret), secret';
    expect(await tablesOf(connection, outside)).toEqual(['secret']);
  });
});

describe('the locked session, without the check of the tree', () => {
  const OF_LOCK = STATEMENTS.filter((sql) =>
    /SECRET|\/etc|\/proc|http|s3:|DIRECTORY|SET |RESET|PRAGMA threads|INSTALL|LOAD |glob/.test(sql),
  ).filter((sql) => !sql.includes('AS (SELECT 1)') && !/^(CREATE MACRO|SET VARIABLE)/.test(sql));

  test.each(OF_LOCK)('refuses %s', async (template) => {
    const connection = await openSession('64MB');
    await lockWith(connection, [{ ...files.numbers, files: [join(files.directory, 'n.parquet')] }]);
    const sql = filled(template);
    const before = readdirSync(files.directory);
    await expect(connection.runAndReadAll(sql)).rejects.toThrow();
    expect(readdirSync(files.directory)).toEqual(before);
  });
});

describe('the engine', () => {
  test('refuses a statement and answers the next', async () => {
    await expect(run("SELECT * FROM read_text('/etc/passwd')")).rejects.toMatchObject({
      code: 'MR_SQL_REFUSED',
    });
    expect(await run('SELECT n FROM numbers')).toBe(5_000);
    expect(await run('WITH numbers AS (FROM numbers LIMIT 3) FROM numbers')).toBe(3);
  });

  test('refuses statements that fill the memory, and keeps its own', async () => {
    for (const sql of [
      "SELECT repeat('x', 2000000000) || n FROM numbers",
      'SELECT list(a.text || b.text) FROM numbers a, numbers b',
      'SELECT range(200000000)',
      'SELECT a.n FROM numbers a, numbers b, numbers c ORDER BY a.text, b.text, c.text',
    ])
      await expect(run(sql, 8), sql).rejects.toMatchObject({
        code: expect.stringMatching(/^MR_SQL_(LIMIT|INVALID)$/),
      });
    expect(await run('SELECT 1')).toBe(1);
  });

  test('a value that is too large to send is refused', async () => {
    await expect(run("SELECT repeat('x', 9000000)")).rejects.toMatchObject({
      code: 'MR_SQL_LIMIT',
      details: { limit: 'row' },
    });
    expect(await run("SELECT repeat('x', 4000000) FROM range(10)")).toBe(10);
  });

  test('nesting does not end it', async () => {
    const deep = `SELECT ${'('.repeat(5_000)}1${')'.repeat(5_000)}`;
    expect(await run(deep)).toBe(1);
    const many = `SELECT ${Array.from({ length: 20_000 }, () => '1').join(' + ')}`;
    await run(many).catch((error) => expect(error).toBeInstanceOf(MillraceError));
    await expect(run('SELECT 1\0; DROP VIEW numbers')).rejects.toMatchObject({
      code: 'MR_SQL_INVALID',
    });
    expect(existsSync(files.secret)).toBe(true);
  });

  test('no more statements run at a time than may', async () => {
    const small = duckDbSql({ files: localFiles(), warn: () => {}, atOnce: 1 });
    const limits = { seconds: 20, rows: 10 };
    const tables = async () => [];
    const first = small.query({ sql: 'SELECT 1', tables, limits });
    await expect(small.query({ sql: 'SELECT 1', tables, limits })).rejects.toMatchObject({
      code: 'MR_OVERLOADED',
    });
    (await first).close();
    await small.close();
  });
});

/** When DuckDB gains functions, someone looks whether they show or do more than compute a value. */
test('the functions of this version of DuckDB were looked at', async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const names = async (types: string): Promise<string[]> =>
    (
      await connection.runAndReadAll(
        `SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type IN (${types}) ORDER BY 1`,
      )
    )
      .getRows()
      .map(([name]) => String(name));
  const scalars = await names("'scalar', 'macro'");
  const hash = createHash('sha256').update(scalars.join(' ')).digest('hex').slice(0, 16);
  expect(hash, 'functions were added or removed: look at them, then change this hash').toBe(
    '42fa01770af5d298',
  );
});
