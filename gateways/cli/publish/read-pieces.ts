/** Opens the file of a command, or stdin, and reads its bytes in pieces. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { fail, MillraceError } from '#domain/errors.ts';
import { textPieces } from '#domain/files/text-pieces.ts';

const PIECE_BYTES = 1024 * 1024;

const gunzip = (pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> => {
  const unpacked = createGunzip({ chunkSize: PIECE_BYTES });
  // An error of either reaches the reader of `unpacked`.
  pipeline(Readable.from(pieces), unpacked, () => undefined);
  return unpacked;
};

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
export async function* readPieces(file: string): AsyncGenerator<Uint8Array> {
  const stream: AsyncIterable<Uint8Array> =
    file === '-' ? process.stdin : createReadStream(file, { highWaterMark: PIECE_BYTES });
  const refuse = (what: string): never =>
    fail('MR_FILE_INVALID', `${file === '-' ? 'stdin' : file} ${what}`, { file });
  try {
    yield* textPieces(stream, gunzip, refuse);
  } catch (error) {
    if (error instanceof MillraceError || !(error instanceof Error)) throw error;
    if (!('code' in error)) throw error;
    const gzip = String(error.code).startsWith('Z_');
    refuse(
      gzip ? `is gzip that is broken or not complete: ${error.message}` : `: ${error.message}`,
    );
  }
}
