import { expect, test } from 'vitest';
import { MillraceError } from '#domain/errors.ts';
import { onDisk } from './storage-error.ts';

const failingWith = (error: Error) => onDisk('/backups', () => Promise.reject(error));
const ofSystem = (code: string): Error =>
  Object.assign(new Error(`${code}: it failed, write`), { code, syscall: 'write', errno: -1 });

test('a disk that is full, and other failures of files, are errors for users', async () => {
  for (const code of ['ENOSPC', 'EDQUOT'])
    await expect(failingWith(ofSystem(code))).rejects.toMatchObject({
      code: 'MR_DISK_FULL',
      message: expect.stringContaining('/backups'),
    });
  await expect(failingWith(ofSystem('EACCES'))).rejects.toMatchObject({
    code: 'MR_STORAGE_FAILED',
  });
});

test('other errors are thrown unchanged', async () => {
  for (const error of [new TypeError('a bug'), new MillraceError('MR_LOG_UNAVAILABLE', 'gone')])
    await expect(failingWith(error)).rejects.toBe(error);
});
