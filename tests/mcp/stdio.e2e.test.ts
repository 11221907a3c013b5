/** `millrace mcp` as agents start it: the SDK's client over the stdio of a process. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { charge, founder, type Guarded, guarded } from '#tests/access/support/fixture.ts';
import { MAIN } from '#tests/support/cli.ts';
import { type Agent, agentOver, follow } from './support/client.ts';
import { type FeaturesAnswer, type ReadAnswer, rowsOf } from './support/parts.ts';

let on: Guarded;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-mcp-'));
  on = await guarded();
  await on.platform.publishing.publish({ source: 'charges', events: [charge('e1')] }, founder);
});
afterAll(async () => {
  await on?.dispose();
  rmSync(directory, { recursive: true, force: true });
});

const ARGS = ['--disable-warning=ExperimentalWarning', MAIN];

const connect = (env: Readonly<Record<string, string>>): Promise<Agent> =>
  agentOver(
    new StdioClientTransport({
      command: process.execPath,
      args: [...ARGS, 'mcp'],
      env: { ...(process.env as Record<string, string>), ...env },
      stderr: 'ignore',
    }),
  );

const secretOf = (header: string): string => header.replace('Bearer ', '');

test('the tools of the gateway, under the rights of the key in a file', async () => {
  const { header } = await on.key(['reader@payments'], { name: 'agent' });
  const file = join(directory, 'key.txt');
  writeFileSync(file, `${secretOf(header)}\n`);
  const agent = await connect({ MILLRACE_URL: on.http.url, MILLRACE_API_KEY_FILE: file });
  try {
    const answer = await agent.ask<ReadAnswer>('read_features', {
      service: 'scoring',
      entities: [{ card: 'c1' }],
      request: [{ by: 3 }],
    });
    expect(answer.rows[0]?.values).toMatchObject({ charges: 1, spent: 2, doubled: 6 });
    await on.platform.publishing.publish({ source: 'charges', events: [charge('e2')] }, founder);
    expect(rowsOf(await follow<FeaturesAnswer>(answer.link, header))).toEqual(answer.rows);
    const refused = { feature: 'spending:spent', entity: { card: 'c1' } };
    expect(await agent.refused('explain_value', refused)).toMatchObject({ code: 'MR_FORBIDDEN' });
    const found = await agent.ask('search_definitions');
    expect(JSON.stringify(found)).not.toContain('fraud');
    const many = await Promise.all(
      Array.from({ length: 20 }, () => agent.ask<{ total: number }>('search_definitions')),
    );
    expect(new Set(many.map(({ total }) => total)).size).toBe(1);
  } finally {
    await agent.close();
  }
});

test('without a key, and with an expired one, the agent gets the code and the fix', async () => {
  const { header } = await on.key(['reader@*'], { expiresAt: Date.now() + 200 });
  await sleep(210);
  for (const env of [{ MILLRACE_API_KEY: secretOf(header) }, {}])
    await expect(connect({ MILLRACE_URL: on.http.url, ...env })).rejects.toMatchObject({
      code: -32_000,
      message: expect.stringContaining('MR_UNAUTHENTICATED'),
      data: { code: 'MR_UNAUTHENTICATED', fix: expect.any(String) },
    });
});

test('a gateway that is not there', async () => {
  await expect(connect({ MILLRACE_URL: 'http://127.0.0.1:9' })).rejects.toMatchObject({
    data: { code: 'MR_UNREACHABLE' },
  });
});

/** Runs the command on these lines. */
const run = async (
  lines: readonly string[],
  url: string,
): Promise<{ readonly status: number | null; readonly out: readonly string[] }> => {
  const child = spawn(process.execPath, [...ARGS, '--url', url, 'mcp'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  child.stdin.end(lines.map((line) => `${line}\n`).join(''));
  const out = (await textOf(child.stdout)).split('\n').filter((line) => line !== '');
  return { status: await ended, out };
};

/** A gateway that keeps what it is sent. */
const echo = async (
  answer: (body: string) => string | null,
): Promise<{ readonly server: Server; readonly url: string; readonly bodies: string[] }> => {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    void textOf(request).then((body) => {
      bodies.push(body);
      const text = answer(body);
      if (text !== null) response.setHeader('content-type', 'application/json').end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { server, url: `http://127.0.0.1:${port}`, bodies };
};

test('lines go through as they are, and the process ends when its input does', async () => {
  const { server, url, bodies } = await echo(() => '{"jsonrpc":"2.0","id":1,"result":{}}');
  const line = '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"n":18446744073709551615}}';
  const { status, out } = await run([line, '', 'not JSON'], url);
  server.close();
  expect([status, bodies]).toEqual([0, [line]]);
  expect(out.map((text) => JSON.parse(text) as object)).toEqual(
    expect.arrayContaining([
      { jsonrpc: '2.0', id: 1, result: {} },
      expect.objectContaining({ id: null, error: expect.objectContaining({ code: -32_700 }) }),
    ]),
  );
});

test('a cancelled request gets no answer, and does not keep the process', async () => {
  const { server, url, bodies } = await echo(() => null);
  const ask = '{"jsonrpc":"2.0","id":"a","method":"tools/list"}';
  const cancel = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a"}}';
  const { status, out } = await run([ask, cancel], url);
  server.closeAllConnections();
  server.close();
  expect([status, out]).toEqual([0, []]);
  expect(bodies.length).toBeLessThan(2);
});
