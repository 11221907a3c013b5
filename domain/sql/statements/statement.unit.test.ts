/** Statements for other engines: what they read, what the engine gets, and what is refused. */
import { expect, test } from 'vitest';
import { REMOTE_ENGINES } from '../tables/engine-names.ts';
import { TABLE_SYNTAXES } from '../tables/table-syntaxes.ts';
import { isRefusedFunction } from './refused-functions.ts';
import { checkedStatement } from './with-tables.ts';

type Engine = (typeof REMOTE_ENGINES)[number];

const checked = (sql: string, engine: Engine = 'trino') =>
  checkedStatement(sql, TABLE_SYNTAXES[engine].lexis, (name) => isRefusedFunction(engine, name));
const tablesIn = (sql: string, engine?: Engine) => [...checked(sql, engine).tables].sort();
const written = (sql: string, engine?: Engine): string => {
  const statement = checked(sql, engine);
  return statement.over(new Map(statement.tables.map((name) => [name, `SELECT 1 AS ${name}`])));
};
const codeOf = (sql: string, engine?: Engine): string => {
  try {
    checked(sql, engine);
    return 'accepted';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

test.each<[string, readonly string[]]>([
  ['SELECT 1', []],
  ['SELECT * FROM raw_a', ['raw_a']],
  ['select A.x, b.y from RAW_A as a, raw_b b where a.x = b.y', ['raw_a', 'raw_b']],
  [
    'SELECT * FROM raw_a JOIN raw_b ON raw_a.x = raw_b.x LEFT JOIN raw_c USING (x)',
    ['raw_a', 'raw_b', 'raw_c'],
  ],
  [
    'SELECT * FROM (SELECT x FROM raw_a) t CROSS JOIN ((raw_b JOIN raw_c ON true))',
    ['raw_a', 'raw_b', 'raw_c'],
  ],
  [
    'SELECT (SELECT max(x) FROM raw_a) FROM raw_b WHERE EXISTS (SELECT 1 FROM raw_c)',
    ['raw_a', 'raw_b', 'raw_c'],
  ],
  [
    'SELECT x FROM raw_a WHERE x IN (SELECT x FROM raw_b) GROUP BY x HAVING x IN (1, 2)',
    ['raw_a', 'raw_b'],
  ],
  ['WITH t AS (SELECT * FROM raw_a), u (x) AS (SELECT x FROM t) SELECT * FROM u, T', ['raw_a']],
  ['WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT * FROM n', []],
  [
    'SELECT x FROM raw_a UNION ALL (SELECT x FROM raw_b) EXCEPT SELECT x FROM raw_c',
    ['raw_a', 'raw_b', 'raw_c'],
  ],
  ['(SELECT 1) UNION SELECT x FROM raw_a', ['raw_a']],
  [
    "SELECT extract(year FROM t), trim(BOTH ' ' FROM s), substring(s FROM 1 FOR 2) FROM raw_a",
    ['raw_a'],
  ],
  ['SELECT x IS DISTINCT FROM y, x IS NOT DISTINCT FROM y FROM raw_a', ['raw_a']],
  ['SELECT sum(x) OVER (PARTITION BY y ORDER BY z) FROM raw_a ORDER BY 1, 2 LIMIT 3', ['raw_a']],
  ['SELECT * FROM raw_a CROSS JOIN UNNEST(tags) AS t(tag)', ['raw_a']],
  [
    'SELECT * FROM raw_a, LATERAL (SELECT * FROM raw_b WHERE raw_b.x = raw_a.x) l',
    ['raw_a', 'raw_b'],
  ],
  ['SELECT count(*) FILTER (WHERE x > 1) FROM raw_a', ['raw_a']],
  ['SELECT x FROM (VALUES (1), (2)) AS t(x)', []],
  ["SELECT 'FROM raw_b; --' FROM raw_a -- FROM raw_c\n/* FROM raw_d */;  ", ['raw_a']],
  ['SELECT * FROM "raw_a"', ['raw_a']],
])('%s', (sql, names) => {
  expect(tablesIn(sql)).toEqual(names);
});

test('the tables are queries before those of the statement, by their names', () => {
  expect(written('SELECT * FROM RAW_a x')).toBe(
    'WITH "raw_a" AS (SELECT 1 AS raw_a)\nSELECT * FROM "raw_a" x',
  );
  expect(written('with Own as (select 1 from raw_a) select * from OWN')).toBe(
    'WITH "raw_a" AS (SELECT 1 AS raw_a),\nOwn as (select 1 from "raw_a") select * from "Own"',
  );
  expect(written('WITH RECURSIVE n AS (SELECT x FROM raw_a) SELECT * FROM n')).toBe(
    'WITH RECURSIVE "raw_a" AS (SELECT 1 AS raw_a),\nn AS (SELECT x FROM "raw_a") SELECT * FROM "n"',
  );
  expect(written('SELECT 1')).toBe('SELECT 1');
  expect(written('WITH t AS (SELECT 1 AS x) SELECT x FROM t')).toContain('WITH t AS');
});

test('the engine gets the tokens, and no comment, hint or prefix', () => {
  expect(written("SELECT /*+ SET_VAR(x=1) */ r'\\', U&'x'--\n, 1", 'trino')).toBe(
    "SELECT r '\\', U& 'x' , 1",
  );
  expect(written(`SELECT "it's ""so""", 'a\\'b', 'c''d'`, 'spark')).toBe(
    `SELECT 'it\\'s "so"', 'a\\'b', 'c\\'d'`,
  );
  expect(written(`SELECT "x""y", \`z\``, 'clickhouse')).toBe('SELECT `x"y`, `z`');
  expect(written("SELECT X'AB', 1.5e3, a.b, x>=1, t.*, a||b FROM raw_a t", 'trino')).toContain(
    "SELECT X'AB', 1.5e3, a.b, x>=1, t.*, a||b",
  );
});

const REFUSED = [
  'INSERT INTO raw_a VALUES (1)',
  'UPDATE raw_a SET x = 1',
  'DELETE FROM raw_a',
  'DROP TABLE raw_a',
  'CREATE TABLE t AS SELECT 1',
  'CALL system.sync()',
  'SET SESSION x = 1',
  'SHOW TABLES',
  'DESCRIBE raw_a',
  'EXPLAIN SELECT 1',
  'TABLE raw_a',
  'VALUES (1)',
  'FROM raw_a',
  'FROM raw_a SELECT x',
  'WITH t AS (SELECT 1) INSERT INTO raw_a SELECT * FROM t',
  'WITH t AS (INSERT INTO raw_a VALUES (1)) SELECT 1',
  'SELECT 1; SELECT 2',
  'SELECT 1; DROP TABLE raw_a',
  'SELECT * FROM other.raw_a',
  'SELECT * FROM "other"."raw_a"',
  'SELECT * FROM raw_a.x',
  'SELECT * FROM information_schema.tables',
  'SELECT * FROM raw_a, system.runtime.nodes',
  'SELECT * FROM raw_a JOIN other.x ON true',
  "SELECT * FROM 'file.parquet'",
  "SELECT * FROM read_files('x')",
  "SELECT * FROM file('x')",
  "SELECT * FROM url('http://x')",
  "SELECT * FROM TABLE(system.query('x'))",
  'SELECT * FROM raw_a WHERE x IN (TABLE other)',
  'SELECT * FROM raw_a WHERE x IN other',
  'SELECT * FROM raw_a WHERE x IN (other)',
  'SELECT * FROM raw_a WHERE x IN (system.users)',
  'SELECT in(1, other)',
  'SELECT (FROM other SELECT x)',
  'SELECT (SHOW TABLES)',
  'SELECT * FROM (EXPLAIN SELECT 1)',
  'SELECT 1 UNION ALL TABLE other',
  'SELECT 1 UNION ALL (TABLE other)',
  'SELECT NOT DISTINCT FROM other.x',
  'SELECT x FROM raw_a FOR VERSION AS OF 1',
  'SELECT x FROM raw_a FOR UPDATE',
  "SELECT x FROM raw_a INTO OUTFILE 'x'",
  "SELECT x INTO OUTFILE 'x' FROM raw_a",
  'SELECT x FROM raw_a SETTINGS max_memory_usage = 0',
  'SELECT x FROM raw_a FORMAT Native',
  'SELECT * FROM raw_a ARRAY JOIN other.x',
  'SELECT f(SELECT x FROM raw_a, other.y)',
  'WITH raw_a AS (SELECT * FROM raw_a) SELECT * FROM raw_a',
  'SELECT @@version',
  'SELECT $1',
  'SELECT {x:String}',
  'SELECT $$a$$',
  'SELECT 1 # x',
  'SELECT 1from raw_a',
  'SELECT a.b.f(1)',
  'SELECT `f`.g(1)',
];

test.each(REFUSED)('refused on every engine: %s', (sql) => {
  for (const engine of REMOTE_ENGINES)
    expect([engine, codeOf(sql, engine)]).toEqual([engine, expect.stringMatching(/^MR_SQL_/)]);
});

test.each<[Engine, string]>([
  ['clickhouse', "SELECT file('/etc/passwd')"],
  ['clickhouse', "SELECT dictGet('d', 'x', 1)"],
  ['clickhouse', "SELECT joinGet('t', 'x', 1)"],
  ['clickhouse', 'SELECT `in`(1, t)'],
  ['clickhouse', 'SELECT notIn(1, t)'],
  ['clickhouse', 'SELECT getSetting(x), hostName()'],
  ['clickhouse', 'SELECT sleep(3)'],
  ['spark', "SELECT reflect('java.lang.System', 'getenv')"],
  ['spark', "SELECT `java_method`('java.lang.System', 'getenv')"],
  ['spark', "SELECT identifier('reflect')('x')"],
  ['starrocks', "SELECT dict_mapping('t', 1)"],
  ['doris', "SELECT dict_get('d', 'x', 1)"],
  ['doris', 'SELECT SLEEP(3)'],
])('refused functions of %s: %s', (engine, sql) => {
  expect(codeOf(sql, engine)).toBe('MR_SQL_REFUSED');
});

test.each([
  ['', 'there is no statement'],
  ["SELECT 'x", 'is not closed'],
  ['SELECT (1', 'is not closed'],
  ['SELECT 1)', 'was not opened'],
  ['SELECT * FROM', 'not complete'],
  ['WITH t AS (SELECT 1)', 'not complete'],
  ['SELECT /* x', 'not closed'],
])('wrong: %s', (sql, message) => {
  expect(() => checked(sql)).toThrow(message);
  expect(codeOf(sql)).toBe('MR_SQL_INVALID');
});

test('a quote that one engine escapes hides nothing from the others', () => {
  // To Spark the table is in a text.
  const sql = `SELECT 'a\\' FROM other WHERE '1' = '1`;
  expect(tablesIn(sql, 'spark')).toEqual([]);
  expect(codeOf(sql, 'trino')).toBe('MR_SQL_INVALID');
  expect(tablesIn(`SELECT 'a\\' FROM raw_b WHERE '1' = '1'`, 'trino')).toEqual(['raw_b']);
  expect(tablesIn(`SELECT "a" FROM raw_b`, 'spark')).toEqual(['raw_b']);
});
