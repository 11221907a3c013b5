/** A real server whose close hangs ends all the same after a signal. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Server, startServer } from '#tests/support/server.ts';
import { CLOSE_MS } from './end-within.ts';

const DRAIN_MS = 123;
const directory = mkdtempSync(join(tmpdir(), 'millrace-hang-'));
let server: Server;
afterEach(async () => {
  await server?.kill();
  rmSync(directory, { recursive: true, force: true });
});

test('a server whose close never ends is killed at its deadline, and says why', {
  timeout: 60_000,
}, async () => {
  const hang = new URL('../../tests/support/hang-on-close.ts', import.meta.url).href;
  server = await startServer(
    directory,
    {
      NODE_OPTIONS: `--import ${hang}`,
      MILLRACE_TEST_DEADLINE_MS: String(DRAIN_MS + CLOSE_MS),
    },
    ['--limit', `drainMs=${DRAIN_MS}`],
  );
  const exited = once(server.child, 'exit');
  server.child.kill('SIGTERM');
  const [code, signal] = (await exited) as [number | null, NodeJS.Signals | null];
  expect([code, signal]).toEqual([null, 'SIGKILL']);
  const { out, err } = server.output();
  expect(out + err).toContain('the close hangs');
  expect(out + err).toContain('did not stop within 20.123 s of the signal');
});
