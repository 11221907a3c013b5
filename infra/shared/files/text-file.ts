/** The bytes of a text file that a user named, or of a stream, in pieces; gzip is decompressed. */
import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { MillraceError } from '#domain/errors.ts';
import { textPieces } from '#domain/files/text-pieces.ts';

const PIECE_BYTES = 1024 * 1024;

const gunzip = (pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> => {
  const unpacked = createGunzip({ chunkSize: PIECE_BYTES });
  // An error of either reaches the reader of `unpacked`.
  pipeline(Readable.from(pieces), unpacked, () => undefined);
  return unpacked;
};

/** @param refuse throws an error; its text follows the name of what is read */
export async function* readText(
  from: AsyncIterable<Uint8Array>,
  refuse: (what: string) => never,
): AsyncGenerator<Uint8Array> {
  try {
    yield* textPieces(from, gunzip, refuse);
  } catch (error) {
    if (error instanceof MillraceError || !(error instanceof Error)) throw error;
    if (!('code' in error)) throw error;
    const gzip = String(error.code).startsWith('Z_');
    const what = gzip ? 'is gzip that is broken or not complete' : 'cannot be read';
    refuse(`${what}: ${error.message}`);
  }
}

/** @param refuse throws an error; its text follows the file's name */
export async function* readTextFile(
  path: string,
  refuse: (what: string) => never,
): AsyncGenerator<Uint8Array> {
  yield* readText(createReadStream(path, { highWaterMark: PIECE_BYTES }), refuse);
}
