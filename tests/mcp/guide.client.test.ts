/** The guide's configurations, as an agent's program reads them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Guarded, guarded } from '#tests/access/support/fixture.ts';
import { agentOver, httpTransport } from './support/client.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const guide = readFileSync(join(root, 'docs/guides/agents.md'), 'utf8');

interface Configuration {
  readonly mcpServers: {
    readonly millrace: {
      readonly command: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      readonly type: string;
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
    };
  };
}
const [stdio, http] = [...guide.matchAll(/```json\n([\s\S]*?)```/g)].map(
  ([, text]) => (JSON.parse(text as string) as Configuration).mcpServers.millrace,
) as [Configuration['mcpServers']['millrace'], Configuration['mcpServers']['millrace']];

let on: Guarded;
let directory: string;
let key: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-mcp-'));
  on = await guarded();
  key = (await on.key(['reader@payments'])).header;
});
afterAll(async () => {
  await on?.dispose();
  rmSync(directory, { recursive: true, force: true });
});

test('on stdio', { timeout: 30_000 }, async () => {
  const file = join(directory, 'assistant.key');
  writeFileSync(file, `${key.replace('Bearer ', '')}\n`);
  const { command, args, env } = stdio;
  expect(Object.keys(env)).toEqual(['MILLRACE_URL', 'MILLRACE_API_KEY_FILE']);
  const agent = await agentOver(
    new StdioClientTransport({
      command,
      args: [...args],
      cwd: root,
      env: {
        ...(process.env as Record<string, string>),
        MILLRACE_URL: on.http.url,
        MILLRACE_API_KEY_FILE: file,
      },
      stderr: 'ignore',
    }),
  );
  try {
    expect(await agent.ask('search_definitions')).toMatchObject({ total: 5 });
  } finally {
    await agent.close();
  }
});

test('over HTTP', async () => {
  expect([http.type, new URL(http.url).pathname]).toEqual(['http', '/mcp']);
  expect(http.headers).toEqual({ Authorization: 'Bearer KEY' });
  const agent = await agentOver(httpTransport(on.http.url, key));
  expect(await agent.ask('search_definitions')).toMatchObject({ total: 5 });
  await agent.close();
});

test('the table of tools has every tool', async () => {
  const agent = await agentOver(httpTransport(on.http.url, key));
  const { tools } = await agent.client.listTools();
  await agent.close();
  const table = guide.slice(guide.indexOf('## The tools'), guide.indexOf('## Answers'));
  const named = [...table.matchAll(/`([a-z]+_[a-z]+)`/g)].map(([, name]) => name);
  expect(named.sort()).toEqual(tools.map(({ name }) => name).sort());
});
