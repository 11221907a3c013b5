/** ClickHouse over HTTP against a small server: settings, results as Arrow, errors. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { arrowStream } from '#domain/sql-results/arrow-stream.ts';
import type { SqlBatch, SqlColumn } from '#domain/sql-results/sql-type.ts';
import { clickHouseDriver } from './clickhouse.ts';
import type { DriverRequest } from './driver.ts';

let server: Server | null = null;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = null;
});

interface Served {
  readonly url: string;
  readonly requests: { readonly query: URLSearchParams; readonly body: string }[];
}

const serve = async (answer: (response: ServerResponse) => void): Promise<Served> => {
  const requests: Served['requests'] = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (data) => {
      body += String(data);
    });
    request.on('end', () => {
      requests.push({ query: new URL(request.url ?? '', 'http://x').searchParams, body });
      answer(response);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
};

const requestOf = (signal = new AbortController().signal): DriverRequest => ({
  sql: 'SELECT n FROM t',
  limits: { seconds: 7, rows: 10 },
  memoryMb: 64,
  signal,
});

const run = async (url: string, signal?: AbortSignal) => {
  const driver = clickHouseDriver({ url, user: 'analyst', password: 'p' });
  try {
    const answer = await driver.run(requestOf(signal));
    const batches: SqlBatch[] = [];
    for await (const batch of answer.batches) batches.push(batch);
    return { columns: answer.columns, batches };
  } finally {
    await driver.close();
  }
};

const COLUMNS: readonly SqlColumn[] = [
  { name: 'n', type: { form: 'long', name: 'long' } },
  { name: 't', type: { form: 'timestamp', name: 'timestamp' } },
];
const BATCH: SqlBatch = {
  rows: 2,
  columns: [
    [2n ** 62n, null],
    [-1n, 1_767_225_600_123_456n],
  ],
};

test('limits are settings of the statement, which may only read', async () => {
  const parts: Uint8Array[] = [];
  for await (const part of arrowStream(
    COLUMNS,
    (async function* () {
      yield BATCH;
    })(),
  ))
    parts.push(part);
  const { url, requests } = await serve((response) => {
    response.writeHead(200);
    for (const part of parts) response.write(part);
    response.end();
  });
  expect(await run(url)).toEqual({ columns: COLUMNS, batches: [BATCH] });
  const [{ query, body }] = requests as unknown as [Served['requests'][number]];
  expect(body).toBe('SELECT n FROM t\nFORMAT ArrowStream');
  expect(Object.fromEntries(query)).toMatchObject({
    readonly: '2',
    max_execution_time: '7',
    max_memory_usage: String(64 * 1024 * 1024),
    max_result_rows: '10',
    result_overflow_mode: 'throw',
    wait_end_of_query: '1',
    session_timezone: 'UTC',
  });
});

test.each([
  [
    'Code: 47. DB::Exception: Unknown expression identifier `x`. (UNKNOWN_IDENTIFIER)',
    'MR_SQL_INVALID',
    'ClickHouse: Unknown expression identifier `x`',
  ],
  [
    'Code: 241. DB::Exception: Query memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)',
    'MR_SQL_LIMIT',
    '64 MB of memory',
  ],
  [
    'Code: 159. DB::Exception: Timeout exceeded. (TIMEOUT_EXCEEDED)',
    'MR_SQL_LIMIT',
    'longer than 7 s',
  ],
  [
    'Code: 396. DB::Exception: Limit for result exceeded, max rows: 10. (TOO_MANY_ROWS_OR_BYTES)',
    'MR_SQL_LIMIT',
    'more than 10 rows',
  ],
  [
    'Code: 107. DB::Exception: File /secret does not exist. (FILE_DOESNT_EXIST)',
    'MR_SQL_ENGINE_FAILED',
    'FILE_DOESNT_EXIST',
  ],
])('%s is %s', async (said, code, message) => {
  const { url } = await serve((response) =>
    response.writeHead(500, { 'x-clickhouse-exception-code': /\d+/.exec(said)?.[0] }).end(said),
  );
  const running = run(url);
  await expect(running).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  await expect(running).rejects.not.toMatchObject({ message: expect.stringContaining('secret') });
});

test('an engine that is not there', async () => {
  await expect(run('http://127.0.0.1:1')).rejects.toMatchObject({
    code: 'MR_SQL_ENGINE_UNAVAILABLE',
    details: { engine: 'clickhouse' },
  });
});

test('a statement that is ended loses its connection, at which the server stops it', async () => {
  let closed = false;
  const { url } = await serve((response) =>
    response.once('close', () => {
      closed = true;
    }),
  );
  const abort = new AbortController();
  const running = run(url, abort.signal);
  setTimeout(() => abort.abort(), 50);
  await expect(running).rejects.toThrow();
  const deadline = Date.now() + 5_000;
  while (!closed && Date.now() < deadline) await new Promise((done) => setTimeout(done, 5));
  expect(closed).toBe(true);
});
