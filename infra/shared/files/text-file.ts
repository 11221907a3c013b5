/** The bytes of a text file that a user named, in pieces; gzip is decompressed. */
import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { textPieces } from '#domain/files/text-pieces.ts';

const PIECE_BYTES = 1024 * 1024;

const gunzip = (pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> => {
  const unpacked = createGunzip({ chunkSize: PIECE_BYTES });
  // An error of either reaches the reader of `unpacked`.
  pipeline(Readable.from(pieces), unpacked, () => undefined);
  return unpacked;
};

/** @param refuse throws an error; its text follows the file's name */
export async function* readTextFile(
  path: string,
  refuse: (what: string) => never,
): AsyncGenerator<Uint8Array> {
  const stream = createReadStream(path, { highWaterMark: PIECE_BYTES });
  try {
    yield* textPieces(stream, gunzip, refuse);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.name === 'MillraceError')
      throw error;
    const gzip = String(error.code).startsWith('Z_');
    refuse(gzip ? `is gzip that is broken or not complete: ${error.message}` : error.message);
  }
}
