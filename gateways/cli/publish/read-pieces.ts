/** Opens the file of a command, or stdin, and reads its bytes in pieces. */
import { stat } from 'node:fs/promises';
import { fail } from '#domain/errors.ts';
import { readText, readTextFile } from '#infra/shared/files/text-file.ts';

/** @throws MR_FILE_INVALID unless the path is that of a file that can be read more than once */
export const requireRegularFile = async (file: string): Promise<void> => {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) =>
    fail(
      'MR_FILE_INVALID',
      error.code === 'ENOENT' ? `there is no file "${file}"` : `${file}: ${error.message}`,
      { file },
    ),
  );
  if (found.isFile()) return;
  const what = found.isDirectory() ? 'a directory' : 'not a regular file';
  fail('MR_FILE_INVALID', `${file} is ${what}: give a file, or pipe the events to "-" (stdin)`, {
    file,
  });
};

/** The bytes of a text file. "-" is stdin. Gzip is decompressed. */
export const readPieces = (file: string): AsyncIterable<Uint8Array> => {
  const refuse = (what: string): never =>
    fail('MR_FILE_INVALID', `${file === '-' ? 'stdin' : file} ${what}`, { file });
  return file === '-' ? readText(process.stdin, refuse) : readTextFile(file, refuse);
};
