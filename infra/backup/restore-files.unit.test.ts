import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { pathBelow, restoreFile } from './restore-files.ts';

const root = mkdtempSync(join(tmpdir(), 'millrace-restore-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const content = {
  async *pieces({ sha256 }: { readonly sha256: string }) {
    yield Buffer.from(sha256);
  },
};
const named = (sha256: string) => ({ sha256, bytes: sha256.length });
const modeOf = (path: string): number => statSync(path).mode & 0o777;

test('a restored file and its directories are private', async () => {
  const path = join(root, 'raw', 'clicks', 'a');
  await restoreFile(content, path, [named('one, '), named('two')], 'a');
  expect(readFileSync(path, 'utf8')).toBe('one, two');
  expect(modeOf(path)).toBe(0o600);
  expect([join(root, 'raw'), join(root, 'raw', 'clicks')].map(modeOf)).toEqual([0o700, 0o700]);
  await expect(restoreFile(content, path, [named('three')], 'a')).rejects.toThrow('EEXIST');
});

test('a path that leads out of the directory is refused', () => {
  expect(pathBelow(root, 'raw/clicks')).toBe(join(root, 'raw', 'clicks'));
  for (const path of ['../a', '/etc/passwd', 'raw/../../a', '.'])
    expect(() => pathBelow(root, path)).toThrow('outside');
});
