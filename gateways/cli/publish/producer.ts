/**
 * The producer id for a file: publishing the same file again continues where it stopped, a changed
 * file starts from the beginning.
 */
import { createHash, randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fail } from '#domain/errors.ts';

const HEAD_BYTES = 64 * 1024;

export const producerOf = async (
  file: string,
  source: string,
  reading: unknown,
  named: string | undefined,
): Promise<string> => {
  if (named !== undefined) return named;
  if (file === '-') return `stdin-${randomUUID()}`;
  const path = resolve(file);
  const handle = await open(path).catch((error: NodeJS.ErrnoException) =>
    fail(
      'MR_FILE_INVALID',
      error.code === 'ENOENT' ? `there is no file "${path}"` : `${file}: ${error.message}`,
      { file },
    ),
  );
  try {
    const { size, mtimeMs } = await handle.stat();
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const hash = createHash('sha256').update(
      JSON.stringify([source, path, size, mtimeMs, reading]),
    );
    return `file-${hash.update(buffer.subarray(0, bytesRead)).digest('hex').slice(0, 32)}`;
  } catch (error) {
    return fail('MR_FILE_INVALID', `${file}: ${(error as Error).message}`, { file });
  } finally {
    await handle.close();
  }
};
