/** Where engines are: a file, options, and what is wrong with them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { sqlEngineSettings } from './settings.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-engines-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const file = (content: unknown, name = 'engines.json'): string => {
  const path = join(directory, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};

test('none', () => {
  expect(sqlEngineSettings(undefined, [], {})).toEqual([]);
});

test('a file names users, and files of passwords and statements beside it', () => {
  file('secret\n', 'trino.password');
  file("-- Flink\nCREATE CATALOG a WITH (\n  'x' = 'y;z'\n);\n\nUSE CATALOG a;\n", 'flink.sql');
  const path = file({
    trino: { url: 'https://trino:8443/', user: 'u', passwordFile: 'trino.password', memoryMb: 9 },
    flink: { url: 'http://flink:8083', catalog: 'a', initFile: 'flink.sql' },
  });
  const expected = [
    {
      engine: 'trino',
      url: 'https://trino:8443',
      user: 'u',
      catalog: 'millrace',
      init: [],
      memoryMb: 9,
      password: 'secret',
    },
    {
      engine: 'flink',
      url: 'http://flink:8083',
      user: 'millrace',
      catalog: 'a',
      init: ["CREATE CATALOG a WITH (\n  'x' = 'y;z'\n)", 'USE CATALOG a'],
    },
  ];
  expect(sqlEngineSettings(path, [], {})).toEqual(expected);
  expect(sqlEngineSettings(undefined, [], { MILLRACE_SQL_ENGINES: path })).toEqual(expected);
  const [trino] = sqlEngineSettings(path, ['trino=http://other:1'], {});
  expect(trino).toMatchObject({ url: 'http://other:1', user: 'u', memoryMb: 9 });
});

test.each<[unknown, readonly string[], string]>([
  [undefined, ['trino'], 'takes ENGINE=URL'],
  [undefined, ['trin=http://x'], 'there is no engine "trin"; did you mean "trino"?'],
  [undefined, ['duckdb=http://x'], 'the engines are trino'],
  [undefined, ['trino=mysql://x:1'], 'must be http://host:port or https://host:port'],
  [undefined, ['spark=http://x:1'], 'must be sc://host:port'],
  [undefined, ['starrocks=x:9030'], 'must be mysql://host:port'],
  [undefined, ['trino=http://u:p@x:1'], 'has no user'],
  ['[]', [], 'must be an object'],
  ['{', [], 'is not JSON'],
  [{ trino: 'http://x' }, [], 'must be an object with a "url"'],
  [{ trino: {} }, [], '"url" is missing'],
  [{ trino: { url: 'http://x', password: 'p' } }, [], 'there is no setting "password"'],
  [{ trino: { url: 'http://x', memoryMb: 0 } }, [], '"memoryMb" must be'],
  [{ trino: { url: 'http://x', user: 1 } }, [], '"user" must be a text'],
  [{ trino: { url: 'http://x', passwordFile: 'none' } }, [], 'cannot be read'],
])('%j %j: %s', (content, addresses, message) => {
  const path = content === undefined ? undefined : file(content);
  expect(() => sqlEngineSettings(path, addresses, {})).toThrow(message);
});
