/** Trino's protocol against a small server: pages, exact values, errors, cancel. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { SqlBatch } from '#domain/sql-results/sql-type.ts';
import type { DriverRequest } from './driver.ts';
import { prestoDriver } from './presto.ts';

interface Served {
  readonly url: string;
  readonly requests: {
    method: string;
    path: string;
    headers: IncomingMessage['headers'];
    body: string;
  }[];
}

let server: Server | null = null;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = null;
});

/** @param pages the answers, in turn, as the text of their JSON without the addresses */
const serve = async (pages: readonly string[]): Promise<Served> => {
  const requests: Served['requests'] = [];
  let url = '';
  let next = 0;
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (data) => {
      body += String(data);
    });
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      requests.push({ method, path, headers, body });
      if (method === 'DELETE') return response.writeHead(204).end();
      const page = pages[next++];
      if (page === undefined) return undefined;
      const more = next < pages.length ? `,"nextUri":"${url}/v1/statement/q1/${next}"` : '';
      return response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(`{"id":"q1","infoUri":"${url}/ui"${more},${page}}`);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, requests };
};

const QUEUED = '"stats":{"state":"QUEUED"}';
const columns = (...all: readonly [string, string][]): string =>
  `"columns":${JSON.stringify(all.map(([name, type]) => ({ name, type })))}`;
const running = (data: string, described = ''): string =>
  `"stats":{"state":"RUNNING"},${described}${described && ','}"data":${data}`;
const FINISHED = '"stats":{"state":"FINISHED"}';

const requestOf = (signal = new AbortController().signal): DriverRequest => ({
  sql: 'SELECT 1',
  limits: { seconds: 7, rows: 10 },
  memoryMb: 64,
  signal,
});

const run = async (url: string, engine: 'trino' | 'presto' = 'trino', signal?: AbortSignal) => {
  const driver = prestoDriver({ engine, url, user: 'analyst' });
  const answer = await driver.run(requestOf(signal));
  const batches: SqlBatch[] = [];
  for await (const batch of answer.batches) batches.push(batch);
  return { columns: answer.columns, batches };
};

test('pages are read to the end, with all digits', async () => {
  const described = columns(
    ['b', 'bigint'],
    ['d', 'decimal(38,3)'],
    ['t', 'timestamp(6) with time zone'],
    ['x', 'array(row(a integer, "b c" varchar(3)))'],
    ['m', 'map(varchar, bigint)'],
    ['f', 'double'],
    ['y', 'varbinary'],
    ['day', 'date'],
  );
  const { url, requests } = await serve([
    QUEUED,
    running(
      '[[9223372036854775807,"12345678901234567890.120","2026-01-02 03:04:05.678901 UTC",[[1,"x"]],{"k":9007199254740993},0.1,"AQI=","1969-12-31"]]',
      described,
    ),
    running(
      '[[null,null,null,null,null,"NaN",null,null],[-9223372036854775808,"0.5","1970-01-01 01:00:00.000 +01:00",[null],{},-1.5e300,"","2026-01-01"]]',
      described,
    ),
    FINISHED,
  ]);
  const { columns: found, batches } = await run(url);
  expect(found.map(({ name, type }) => `${name} ${type.name}`)).toEqual([
    'b long',
    'd decimal(38,3)',
    't timestamp',
    'x array<struct<a int, b c string>>',
    'm array<struct<key string, value long>>',
    'f double',
    'y bytes',
    'day date',
  ]);
  expect(batches).toEqual([
    {
      rows: 1,
      columns: [
        [9223372036854775807n],
        ['12345678901234567890.120'],
        [BigInt(Date.UTC(2026, 0, 2, 3, 4, 5)) * 1000n + 678901n],
        [[[1, 'x']]],
        [[['k', 9007199254740993n]]],
        [0.1],
        [Uint8Array.from([1, 2])],
        [-1],
      ],
    },
    {
      rows: 2,
      columns: [
        [null, -9223372036854775808n],
        [null, '0.500'],
        [null, 0n],
        [null, [null]],
        [null, []],
        [Number.NaN, -1.5e300],
        [null, new Uint8Array()],
        [null, 20_454],
      ],
    },
  ]);
  expect(requests[0]).toMatchObject({
    method: 'POST',
    path: '/v1/statement',
    body: 'SELECT 1',
    headers: {
      'x-trino-user': 'analyst',
      'x-trino-time-zone': 'UTC',
      'x-trino-session': 'query_max_run_time=7s,query_max_execution_time=7s,query_max_memory=64MB',
      'x-trino-client-capabilities': 'PARAMETRIC_DATETIME',
    },
  });
});

test('Presto has headers of its own', async () => {
  const { url, requests } = await serve([
    QUEUED,
    running('[[1]]', columns(['n', 'bigint'])),
    FINISHED,
  ]);
  expect((await run(url, 'presto')).batches).toEqual([{ rows: 1, columns: [[1n]] }]);
  expect(requests[0]?.headers).toMatchObject({ 'x-presto-user': 'analyst' });
});

const failed = (error: object): string =>
  `"stats":{"state":"FAILED"},"error":${JSON.stringify(error)}`;

test.each([
  [
    { message: 'line 1:8: no x', errorName: 'COLUMN_NOT_FOUND', errorType: 'USER_ERROR' },
    'MR_SQL_INVALID',
    'Trino: line 1:8: no x',
  ],
  [
    { message: 'm', errorName: 'EXCEEDED_LOCAL_MEMORY_LIMIT', errorType: 'INSUFFICIENT_RESOURCES' },
    'MR_SQL_LIMIT',
    '64 MB of memory',
  ],
  [
    { message: 'm', errorName: 'EXCEEDED_TIME_LIMIT', errorType: 'INSUFFICIENT_RESOURCES' },
    'MR_SQL_LIMIT',
    'longer than 7 s',
  ],
  [
    { message: 'file:///secret', errorName: 'ICEBERG_CANNOT_OPEN_SPLIT', errorType: 'EXTERNAL' },
    'MR_SQL_ENGINE_FAILED',
    'ICEBERG_CANNOT_OPEN_SPLIT',
  ],
])('%o is %s', async (error, code, message) => {
  const { url } = await serve([QUEUED, failed(error)]);
  const running = run(url);
  await expect(running).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  await expect(running).rejects.not.toMatchObject({ message: expect.stringContaining('secret') });
});

test('an engine that is not there', async () => {
  await expect(run('http://127.0.0.1:1')).rejects.toMatchObject({
    code: 'MR_SQL_ENGINE_UNAVAILABLE',
    details: { engine: 'trino', address: 'http://127.0.0.1:1' },
  });
});

test('a statement that is ended is killed', async () => {
  const { url, requests } = await serve([
    QUEUED,
    '"stats":{"state":"RUNNING"}',
    '"stats":{"state":"RUNNING"}',
  ]);
  const abort = new AbortController();
  const driver = prestoDriver({ engine: 'trino', url, user: 'analyst' });
  const running = driver.run(requestOf(abort.signal));
  running.catch(() => {});
  const deadline = Date.now() + 5_000;
  const seen = (method: string): boolean => requests.some((one) => one.method === method);
  const wait = async (until: () => boolean): Promise<void> => {
    while (!until() && Date.now() < deadline) await new Promise((done) => setTimeout(done, 5));
  };
  await wait(() => requests.length > 1);
  abort.abort();
  await wait(() => seen('DELETE'));
  expect(requests.find(({ method }) => method === 'DELETE')?.path).toBe('/v1/query/q1');
});

test('a password goes over TLS only', () => {
  expect(() =>
    prestoDriver({ engine: 'trino', url: 'http://trino:8080', user: 'u', password: 'p' }),
  ).toThrow('over https only');
});
