/** The server stops when the script that started it does, whatever ended that. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gone, startServing } from './support.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-parent-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test.concurrent.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)('%s', async (signal) => {
  const data = join(directory, signal);
  const script = join(root, 'scripts', 'millrace.mjs');
  const { pid, child } = await startServing(process.execPath, [script, 'serve', '--data', data], {
    cwd: root,
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  expect(pid).not.toBe(child.pid);
  child.kill(signal);
  await gone(pid);
  expect(await exited).toBe(signal === 'SIGKILL' ? null : 0);
  // It drained: a closed database has no write-ahead log.
  expect(existsSync(data) && readdirSync(data).includes('millrace.db-wal')).toBe(false);
});
