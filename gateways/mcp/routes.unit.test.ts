/** What the route does by itself: failures, exact numbers, and nothing when a server starts. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { createFakePlatform } from '#tests/support/fake-platform.ts';
import { mcpRoutes } from './routes.ts';

const causes: unknown[] = [];
let failing = false;
let gateway: HttpGateway;
beforeAll(async () => {
  const platform = createFakePlatform();
  const { read } = platform.serving;
  gateway = await createHttpGateway({
    modules: [mcpRoutes],
    platform: {
      ...platform,
      serving: {
        ...platform.serving,
        async read(request, caller) {
          if (failing) throw new Error('secret cause');
          return read(request, caller);
        },
      },
    },
    port: 0,
    onInternalError: (error) => void causes.push(error),
  });
});
afterAll(() => gateway.close());

const post = async (args: string): Promise<{ readonly status: number; readonly text: string }> => {
  const response = await fetch(`${gateway.url}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${args}}`,
  });
  return { status: response.status, text: await response.text() };
};

const READ = '{"name":"read_features","arguments":{"service":"delay_model","entities":[{"origin":';

test('a failure of the platform is MR_INTERNAL; its cause is in the log only', async () => {
  failing = true;
  const { status, text } = await post(`${READ}"ATL"}]}}`);
  failing = false;
  expect([status, JSON.parse(text)]).toMatchObject([500, { code: 'MR_INTERNAL' }]);
  expect(text).not.toContain('secret');
  expect(causes).toMatchObject([{ message: 'secret cause' }]);
});

test('numbers keep their digits', async () => {
  const { text } = await post(`${READ}18446744073709551615}]}}`);
  expect(text).toContain('18446744073709551615');
});

/** The files and packages that a file loads: types are not loaded, and `import()` is later. */
const loadedBy = (file: string, seen: Set<string>): Set<string> => {
  if (seen.has(file)) return seen;
  seen.add(file);
  const root = resolve(import.meta.dirname, '../..');
  const text = readFileSync(file, 'utf8');
  for (const [, path = ''] of text.matchAll(
    /^(?:import|export) (?!type )[^;]*?from '([^']+)';/gm,
  )) {
    if (path.startsWith('#')) loadedBy(join(root, path.slice(1)), seen);
    else if (path.startsWith('.')) loadedBy(resolve(file, '..', path), seen);
    else seen.add(path);
  }
  return seen;
};

test('the SDK is loaded with the first message, not when the server starts', () => {
  const modules = loadedBy(resolve(import.meta.dirname, '../http-modules.ts'), new Set());
  expect(modules).toContain(join(import.meta.dirname, 'routes.ts'));
  expect(modules).toContain('typebox');
  expect([...modules].filter((path) => path.includes('modelcontextprotocol'))).toEqual([]);
  const server = loadedBy(join(import.meta.dirname, 'server.ts'), new Set());
  expect([...server].filter((path) => path.includes('modelcontextprotocol'))).not.toEqual([]);
});
