import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fileIOContract } from '#tests/contracts/file-io.contract.ts';
import { fileUri, pathOf } from './file-uri.ts';
import { localFiles } from './local-files.ts';

fileIOContract('local disk', async () => {
  const path = mkdtempSync(join(tmpdir(), 'millrace-files-'));
  const small = join(path, 'small');
  mkdirSync(small);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]).status === 0;
  if (!mounted)
    console.log('mounting a small file system is not permitted: the full-disk tests are skipped');
  return {
    files: localFiles(),
    directory: fileUri(join(path, 'made later', 'deep')),
    module: new URL('./local-files.ts', import.meta.url).href,
    full: mounted ? fileUri(small) : null,
    close() {
      if (mounted) spawnSync('umount', [small]);
      rmSync(path, { recursive: true, force: true });
    },
  };
});

test('a path has one URI, which converts back to it', () => {
  expect(fileUri('/')).toBe('file:///');
  expect(fileUri('/a b/c=d/é%')).toBe('file:///a%20b/c=d/%C3%A9%25');
  for (const path of ['/', '/a', '/a b/c#d?e%f', '/date_day=2024-01-01/x.parquet'])
    expect(pathOf(fileUri(path))).toBe(path);
  expect(fileUri('relative')).toBe(fileUri(join(process.cwd(), 'relative')));
});
