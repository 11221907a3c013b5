/**
 * The promise: for broken files and addresses that are no Millrace server, the command line prints
 * an error that names the place, and loses nothing.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Hostile, sale, startHostile } from './support/fixture.ts';

const MAIN = fileURLToPath(new URL('../../gateways/cli/main.ts', import.meta.url));
let hostile: Hostile;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-hostile-cli-'));
  hostile = await startHostile();
});
afterAll(async () => {
  expect(hostile.internal).toEqual([]);
  await hostile.dispose();
  rmSync(directory, { recursive: true, force: true });
});

const run = (
  args: readonly string[],
  url = hostile.http.url,
): Promise<{ status: number | null; out: string; err: string }> =>
  new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', MAIN, ...args, '--url', url],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const [out, err]: [string[], string[]] = [[], []];
    child.stdout.on('data', (data) => out.push(String(data)));
    child.stderr.on('data', (data) => err.push(String(data)));
    child.on('close', (status) => resolve({ status, out: out.join(''), err: err.join('') }));
  });
const file = (name: string, data: string | Buffer): string => {
  const path = join(directory, name);
  writeFileSync(path, data);
  return path;
};
/** One line with a code, the problem and its place; never a stack trace. */
const expectError = (
  { status, err }: { status: number | null; err: string },
  says: RegExp,
): void => {
  expect(err).toMatch(/^error MR_[A-Z_]+: /m);
  expect(err).not.toMatch(/MR_INTERNAL|^\s+at /m);
  expect(err).toMatch(says);
  expect(status).toBe(1);
};
let ids = 0;
const line = (more: object = {}): string => JSON.stringify(sale(`c${ids++}`, { ...more }));

test('NDJSON with garbage in between: each bad line is named, and all good ones are taken once', async () => {
  const before = hostile.accepted();
  const deep = `{"note":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
  const lines = [
    line(),
    '{"id":',
    line(),
    '\u0000\u0001',
    deep,
    'null',
    '',
    line(),
    '[1,2',
    line({ amount: 'x' }),
    line(),
  ];
  const path = file('garbage.ndjson', `\ufeff${lines.join('\r\n')}`);
  const first = await run(['publish', 'sales', path]);
  for (const n of [2, 4, 5, 9]) expect(first.err).toMatch(new RegExp(`line ${n}\\b`));
  expect(first.out).toMatch(/4 accepted, 0 duplicates/);
  expect(hostile.accepted() - before).toBe(4);
  await run(['publish', 'sales', path]);
  expect(hostile.accepted() - before, 'a second publish adds nothing').toBe(4);
});

test('NDJSON with a broken encoding: the line is named, the lines before it are taken, and the corrected file continues there', async () => {
  const before = hostile.accepted();
  const good = Array.from({ length: 5_000 }, () => line({ note: 'x'.repeat(300) }));
  const broken = Buffer.concat([
    Buffer.from(`${good.join('\n')}\n{"note":"`),
    Buffer.from([0xff, 0xfe]),
    Buffer.from('"}\n'),
  ]);
  expectError(
    await run(['publish', 'sales', file('broken.ndjson', broken), '--producer', 'corrections']),
    /line 5001: the text is not UTF-8/,
  );
  const taken = hostile.accepted() - before;
  expect(taken).toBeGreaterThanOrEqual(2_000);
  const corrected = await run([
    'publish',
    'sales',
    file('corrected.ndjson', good.join('\n')),
    '--producer',
    'corrections',
  ]);
  expect(corrected.err).toContain(`continuing after ${taken} events`);
  expect(hostile.accepted() - before).toBe(good.length);
});

test('a file of one endless line is not read into memory', async () => {
  expectError(
    await run(['publish', 'sales', file('endless.ndjson', 'x'.repeat(12_000_000))]),
    /line 1: .*characters/,
  );
});

const parquet = async (path: string): Promise<void> => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(
    `COPY (SELECT 'q' || i AS id, 's1' AS shop, epoch_ms(1700000000000 + i) AS at, 1.5 AS amount FROM range(20000) t(i)) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 5000)`,
  );
  connection.closeSync();
  instance.closeSync();
};

test('tables that are cut off, mislabelled or badly quoted are refused with the file’s name', async () => {
  const before = hostile.accepted();
  const whole = join(directory, 'whole.parquet');
  await parquet(whole);
  const { readFileSync } = await import('node:fs');
  const bytes = readFileSync(whole);
  const middle = Buffer.from(bytes);
  middle.fill(0x5a, 1_000, bytes.length >> 1);
  const rows = `id,shop,at,amount\n${Array.from({ length: 50 }, (_, i) => `v${i},s1,2026-01-31T00:00:00Z,1`).join('\n')}\n`;
  for (const path of [
    file('cut.parquet', bytes.subarray(0, bytes.length - 500)),
    file('middle.parquet', middle),
    file('text.parquet', 'id,shop\n1,2\n'),
    file('empty.parquet', ''),
    file('columns.csv', 'id,shop,colour\n1,2,3\n'),
    file('cut.csv.gz', gzipSync(rows.repeat(200)).subarray(0, 300)),
    join(directory, 'absent.parquet'),
  ]) {
    const args = path.endsWith('.gz') ? ['--format', 'csv'] : [];
    const ran = await run(['publish', 'sales', path, ...args]);
    expectError(ran, new RegExp(path.split('/').at(-1)?.replaceAll('.', '\\.') as string));
  }
  expect(hostile.accepted()).toBe(before);
  const ran = await run([
    'publish',
    'sales',
    file('quotes.csv', `${rows}w1,"s1,2026-01-31T00:00:00Z,1\nw2,s1,2026-01-31T00:00:00Z,1\n`),
  ]);
  expectError(ran, /quotes\.csv, line 52: .*; no event was sent/);
  expect(hostile.accepted()).toBe(before);
});

const answering = (answer: string | Buffer | null): Promise<{ url: string; close: () => void }> =>
  new Promise((resolve) => {
    const server: Server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => (answer === null ? socket.resetAndDestroy() : socket.end(answer)));
    });
    server.listen(0, '127.0.0.1', () => {
      const address = server.address() as { port: number };
      resolve({ url: `http://127.0.0.1:${address.port}`, close: () => server.close() });
    });
  });
const http = (body: string, head = 'content-type: application/json', status = '200 OK'): string =>
  `HTTP/1.1 ${status}\r\n${head}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`;

test.each([
  ['a web page', http('<html>', 'content-type: text/html')],
  ['JSON that is none', http('{"views":')],
  ['an answer that breaks off', http('[]').replace('content-length: 2', 'content-length: 200')],
  [
    'an error in a form of its own',
    http('{"error":"no"}', 'content-type: application/json', '500 No'),
  ],
  [
    'a refusal with an unknown code',
    http(
      '{"code":"MR_NEW","message":"from a later version"}',
      'content-type: application/json',
      '418 No',
    ),
  ],
  ['somewhere else', http('', 'location: http://127.0.0.1:1/', '302 Found')],
  ['no HTTP', 'SSH-2.0-OpenSSH\r\n'],
  ['heads without end', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(50_000)}\r\n`],
  ['nothing at all', null],
])('a server that answers %s gives a message, not a stack trace', async (_what, answer) => {
  const server = await answering(answer);
  expectError(await run(['status'], server.url), /127\.0\.0\.1|later version/);
  server.close();
});
