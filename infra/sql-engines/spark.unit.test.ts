/** Spark Connect against a small server of the same protocol: sessions, results, errors, cancel. */
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import { arrowStream } from '#domain/sql-results/arrow-stream.ts';
import type { SqlBatch, SqlColumn } from '#domain/sql-results/sql-type.ts';
import type { DriverRequest } from './driver.ts';
import { sparkDriver } from './spark.ts';
import { sparkService } from './spark-protocol.ts';

let server: Server | null = null;
afterEach(() => {
  server?.forceShutdown();
  server = null;
});

interface Call {
  readonly method: string;
  readonly request: Readonly<Record<string, unknown>>;
}

type Execute = (call: ServerWritableStream<unknown, unknown>) => void;

const serve = async (execute: Execute) => {
  const calls: Call[] = [];
  const note = (method: string, { request }: { readonly request: unknown }): void =>
    void calls.push({ method, request: request as Call['request'] });
  const unary =
    (method: string) => (call: ServerUnaryCall<unknown, unknown>, done: sendUnaryData<unknown>) => {
      note(method, call);
      done(null, {});
    };
  server = new Server();
  server.addService(sparkService, {
    ExecutePlan(call: ServerWritableStream<unknown, unknown>) {
      note('execute', call);
      execute(call);
    },
    Config: unary('config'),
    Interrupt: unary('interrupt'),
    ReleaseSession: unary('release'),
  });
  const port = await new Promise<number>((resolve, reject) =>
    (server as Server).bindAsync(
      '127.0.0.1:0',
      ServerCredentials.createInsecure(),
      (error, bound) => (error === null ? resolve(bound) : reject(error)),
    ),
  );
  return { url: `sc://127.0.0.1:${port}`, calls };
};

const requestOf = (signal = new AbortController().signal): DriverRequest => ({
  sql: 'SELECT n FROM t',
  limits: { seconds: 7, rows: 10 },
  memoryMb: 64,
  signal,
});
const run = async (url: string) => {
  const driver = sparkDriver({ url, user: 'analyst' });
  try {
    const answer = await driver.run(requestOf());
    const batches: SqlBatch[] = [];
    for await (const batch of answer.batches) batches.push(batch);
    return { columns: answer.columns, batches };
  } finally {
    await driver.close();
  }
};

const COLUMNS: readonly SqlColumn[] = [
  { name: 'n', type: { form: 'long', name: 'long' } },
  { name: 'd', type: { form: 'decimal', name: 'decimal(38,2)' } },
];
const BATCH: SqlBatch = {
  rows: 2,
  columns: [
    [2n ** 62n, null],
    ['12345678901234567890.10', null],
  ],
};

const arrow = async (...batches: readonly SqlBatch[]): Promise<Buffer> => {
  const parts: Uint8Array[] = [];
  for await (const part of arrowStream(
    COLUMNS,
    (async function* () {
      yield* batches;
    })(),
  ))
    parts.push(part);
  return Buffer.concat(parts);
};

test('parts of a result are streams of Arrow, and the session is in UTC', async () => {
  const data = await arrow(BATCH);
  const { url, calls } = await serve((call) => {
    call.write({});
    call.write({ arrowBatch: { rowCount: 2, data } });
    call.write({ arrowBatch: { rowCount: 2, data } });
    call.end();
  });
  expect(await run(url)).toEqual({ columns: COLUMNS, batches: [BATCH, BATCH] });
  const [config, execute] = calls as [Call, Call];
  expect(config).toMatchObject({
    method: 'config',
    request: {
      operation: {
        set: {
          pairs: expect.arrayContaining([{ key: 'spark.sql.session.timeZone', value: 'UTC' }]),
        },
      },
    },
  });
  expect(execute).toMatchObject({
    method: 'execute',
    request: {
      sessionId: config.request.sessionId,
      userContext: { userId: 'analyst' },
      plan: { root: { sql: { query: 'SELECT n FROM t' } } },
    },
  });
});

test('a result without rows has its columns', async () => {
  const data = await arrow();
  const { url } = await serve((call) => {
    call.write({ arrowBatch: { rowCount: 0, data } });
    call.end();
  });
  const { columns, batches } = await run(url);
  expect([columns, batches.filter(({ rows }) => rows > 0)]).toEqual([COLUMNS, []]);
});

test.each([
  [
    '[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column `x` cannot be resolved.',
    'MR_SQL_INVALID',
    'Spark: A column `x` cannot be resolved.',
  ],
  ['[INTERNAL_ERROR] at /secret', 'MR_SQL_ENGINE_FAILED', 'INTERNAL_ERROR'],
  ['java.io.FileNotFoundException: /secret', 'MR_SQL_ENGINE_FAILED', 'INTERNAL'],
])('%s is %s', async (details, code, message) => {
  const { url } = await serve((call) => call.emit('error', { code: status.INTERNAL, details }));
  const running = run(url);
  await expect(running).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  await expect(running).rejects.not.toMatchObject({ message: expect.stringContaining('secret') });
});

test('an engine that is not there', async () => {
  await expect(run('sc://127.0.0.1:1')).rejects.toMatchObject({
    code: 'MR_SQL_ENGINE_UNAVAILABLE',
  });
});

test('a statement that is ended is interrupted', async () => {
  const { url, calls } = await serve(() => {});
  const abort = new AbortController();
  const driver = sparkDriver({ url, user: 'analyst' });
  const running = driver.run(requestOf(abort.signal));
  running.catch(() => {});
  const deadline = Date.now() + 5_000;
  const wait = async (method: string): Promise<void> => {
    while (!calls.some((call) => call.method === method) && Date.now() < deadline)
      await new Promise((done) => setTimeout(done, 5));
  };
  await wait('execute');
  abort.abort();
  await wait('interrupt');
  expect(calls.find(({ method }) => method === 'interrupt')?.request).toMatchObject({
    sessionId: calls[0]?.request.sessionId,
    interruptType: 1,
  });
  await driver.close();
});
