/** Flink's SQL Gateway as a small server: sessions, pages, exact values, errors, cancel. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { SqlBatch } from '#domain/sql-results/sql-type.ts';
import type { DriverRequest } from './driver.ts';
import { flinkDriver } from './flink.ts';

let server: Server | null = null;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = null;
});

interface Gateway {
  readonly url: string;
  readonly calls: string[];
  readonly statements: string[];
}

/** @param pages the results of the last statement, in turn: their JSON, or the text of an error */
const serve = async (pages: readonly (string | Error)[]): Promise<Gateway> => {
  const [calls, statements]: [string[], string[]] = [[], []];
  let next = 0;
  const resultOf = (operation: string): string | Error => {
    if (operation !== `o${statements.length}` || operation === 'o1')
      return '{"resultType":"EOS","results":{"columns":[],"data":[]}}';
    return pages[Math.min(next++, pages.length - 1)] as string | Error;
  };
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (data) => {
      body += String(data);
    });
    request.on('end', () => {
      const { method = '', url = '' } = request;
      calls.push(`${method} ${url}`);
      const answer = (value: string | Error): void => {
        const isError = value instanceof Error;
        response
          .writeHead(isError ? 500 : 200, { 'content-type': 'application/json' })
          .end(isError ? JSON.stringify({ errors: ['Internal', value.message] }) : value);
      };
      if (method === 'POST' && url === '/v1/sessions') return answer('{"sessionHandle":"s"}');
      if (url.endsWith('/statements')) {
        statements.push((JSON.parse(body) as { statement: string }).statement);
        return answer(`{"operationHandle":"o${statements.length}"}`);
      }
      const operation = /operations\/(o\d+)\/result/.exec(url)?.[1];
      return answer(operation === undefined ? '{}' : resultOf(operation));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, calls, statements };
};

const page = (
  resultType: string,
  columns: readonly (readonly [string, object])[],
  rows: readonly string[],
  next: string | null,
): string =>
  `{"resultType":"${resultType}","isQueryResult":true,"results":{"columns":${JSON.stringify(
    columns.map(([name, logicalType]) => ({ name, logicalType })),
  )},"data":[${rows.map((fields) => `{"kind":"INSERT","fields":${fields}}`).join(',')}]}${
    next === null ? '' : `,"nextResultUri":"${next}"`
  }}`;

const NEXT = '/v1/sessions/s/operations/o2/result/1?rowFormat=JSON';

const requestOf = (signal = new AbortController().signal): DriverRequest => ({
  sql: 'SELECT 1',
  limits: { seconds: 7, rows: 10 },
  memoryMb: 64,
  signal,
});
const run = async (url: string) => {
  const answer = await flinkDriver({ url, init: ['CREATE CATALOG c'] }).run(requestOf());
  const batches: SqlBatch[] = [];
  for await (const batch of answer.batches) batches.push(batch);
  return { columns: answer.columns, batches };
};

test('pages are read to the end, with all digits, and the session is closed', async () => {
  const columns = [
    ['b', { type: 'BIGINT' }],
    ['d', { type: 'DECIMAL', precision: 20, scale: 2 }],
    ['t', { type: 'TIMESTAMP_WITH_LOCAL_TIME_ZONE', precision: 6 }],
    ['a', { type: 'ARRAY', elementType: { type: 'VARCHAR' } }],
    ['m', { type: 'MAP', keyType: { type: 'VARCHAR' }, valueType: { type: 'INTEGER' } }],
    ['r', { type: 'ROW', fields: [{ name: 'x', fieldType: { type: 'DOUBLE' } }] }],
  ] as const;
  const { url, calls, statements } = await serve([
    '{"resultType":"NOT_READY","nextResultUri":"/v1/sessions/s/operations/o2/result/0?rowFormat=JSON"}',
    page(
      'PAYLOAD',
      columns,
      [
        '[9223372036854775807,123456789012345678.10,"2026-01-02T03:04:05.678901Z",["x",null],{"k":1},{"x":0.1}]',
      ],
      NEXT,
    ),
    page('PAYLOAD', columns, ['[null,null,null,null,null,null]'], NEXT),
    page('EOS', columns, [], null),
  ]);
  const { columns: found, batches } = await run(url);
  expect(found.map(({ name, type }) => `${name} ${type.name}`)).toEqual([
    'b long',
    'd decimal(20,2)',
    't timestamp',
    'a array<string>',
    'm array<struct<key string, value int>>',
    'r struct<x double>',
  ]);
  expect(batches.filter(({ rows }) => rows > 0)).toEqual([
    {
      rows: 1,
      columns: [
        [9223372036854775807n],
        ['123456789012345678.10'],
        [BigInt(Date.UTC(2026, 0, 2, 3, 4, 5)) * 1000n + 678901n],
        [['x', null]],
        [[['k', 1]]],
        [[0.1]],
      ],
    },
    { rows: 1, columns: [[null], [null], [null], [null], [null], [null]] },
  ]);
  expect(statements).toEqual(['CREATE CATALOG c', 'SELECT 1']);
  expect(calls.at(-1)).toBe('DELETE /v1/sessions/s');
});

test.each([
  [
    "a\nCaused by: org.apache.calcite.sql.validate.SqlValidatorException: Column 'x' not found in any table",
    'MR_SQL_INVALID',
    "Flink: Column 'x' not found in any table",
  ],
  [
    'a\nCaused by: java.io.FileNotFoundException: /secret',
    'MR_SQL_ENGINE_FAILED',
    'FileNotFoundException',
  ],
])('%s is %s', async (said, code, message) => {
  const { url, calls } = await serve([new Error(said)]);
  const running = run(url);
  await expect(running).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  await expect(running).rejects.not.toMatchObject({ message: expect.stringContaining('secret') });
  expect(calls.at(-1)).toBe('DELETE /v1/sessions/s');
});

test('an engine that is not there', async () => {
  await expect(run('http://127.0.0.1:1')).rejects.toMatchObject({
    code: 'MR_SQL_ENGINE_UNAVAILABLE',
  });
});

test('a statement that is ended is cancelled, and its session closed', async () => {
  const waits =
    '{"resultType":"NOT_READY","nextResultUri":"/v1/sessions/s/operations/o2/result/0"}';
  const { url, calls, statements } = await serve([waits]);
  const abort = new AbortController();
  const running = flinkDriver({ url, init: ['CREATE CATALOG c'] }).run(requestOf(abort.signal));
  running.catch(() => {});
  const deadline = Date.now() + 5_000;
  const wait = async (until: () => boolean): Promise<void> => {
    while (!until() && Date.now() < deadline) await new Promise((done) => setTimeout(done, 5));
  };
  await wait(() => statements.length === 2 && calls.some((call) => call.includes('/o2/result')));
  abort.abort();
  await wait(() => calls.includes('DELETE /v1/sessions/s'));
  expect(calls).toContain('POST /v1/sessions/s/operations/o2/cancel');
  expect(calls).toContain('DELETE /v1/sessions/s');
});
