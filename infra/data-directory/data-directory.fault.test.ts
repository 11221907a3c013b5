/** One process at a time, however it ends; and no file of a newer format is changed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FORMAT_VERSION, openDataDirectory } from '#infra/data-directory/data-directory.ts';
import { temporaryDirectory } from '#tests/contracts/sqlite.ts';

let root: ReturnType<typeof temporaryDirectory>;
let path: string;
beforeEach(() => {
  root = temporaryDirectory();
  path = join(root.path, 'deep', 'data');
});
afterEach(() => root.remove());

const holder = async (): Promise<{ readonly pid: number; kill(): Promise<void> }> => {
  const module = JSON.stringify(join(import.meta.dirname, 'data-directory.ts'));
  const script = `import { openDataDirectory } from ${module}; globalThis.held = openDataDirectory(${JSON.stringify(path)}); console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: join(import.meta.dirname, '../..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return {
    pid: child.pid as number,
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
};

test('is made where it is missing, with its format, and can be opened again after it was closed', () => {
  const first = openDataDirectory(path);
  expect(first).toMatchObject({
    path,
    databasePath: join(path, 'millrace.db'),
    formatVersion: FORMAT_VERSION,
  });
  first.close();
  first.close();
  expect(JSON.parse(readFileSync(join(path, 'format.json'), 'utf8'))).toEqual({
    format: FORMAT_VERSION,
  });
  openDataDirectory(path).close();
});

test('is refused while this process holds it', () => {
  const first = openDataDirectory(path);
  expect(() => openDataDirectory(path)).toThrowError(
    expect.objectContaining({ code: 'MR_DATA_DIR_LOCKED', details: { path, pid: process.pid } }),
  );
  expect(() => openDataDirectory(path)).toThrowError(
    expect.objectContaining({ code: 'MR_DATA_DIR_LOCKED' }),
  );
  first.close();
  openDataDirectory(path).close();
});

test('is refused while another process holds it, naming its pid; kill -9 releases it', async () => {
  const other = await holder();
  expect(() => openDataDirectory(path)).toThrowError(
    expect.objectContaining({
      code: 'MR_DATA_DIR_LOCKED',
      message: expect.stringContaining(`process ${other.pid}`),
    }),
  );
  await other.kill();
  const mine = openDataDirectory(path);
  expect(readFileSync(join(path, 'lock.pid'), 'utf8').trim()).toBe(`${process.pid}`);
  mine.close();
});

test('a newer format is refused and left as it is, and the lock is released', () => {
  openDataDirectory(path).close();
  const newer = JSON.stringify({ format: FORMAT_VERSION + 1, more: true });
  writeFileSync(join(path, 'format.json'), newer);
  for (let i = 0; i < 2; i++)
    expect(() => openDataDirectory(path)).toThrowError(
      expect.objectContaining({ code: 'MR_DATA_DIR_NEWER' }),
    );
  expect(readFileSync(join(path, 'format.json'), 'utf8')).toBe(newer);
  expect(existsSync(join(path, 'millrace.db'))).toBe(false);
});

test('a format file without a format is an error, not format 1', () => {
  openDataDirectory(path).close();
  writeFileSync(join(path, 'format.json'), '{"for');
  expect(() => openDataDirectory(path)).toThrowError(
    expect.objectContaining({ code: 'MR_STORAGE_FAILED' }),
  );
});
