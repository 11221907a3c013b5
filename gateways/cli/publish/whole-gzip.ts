/**
 * DuckDB reads a gzip file that was cut off as far as it goes, and says nothing: rows would be lost
 * in silence.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { fail } from '#domain/errors.ts';

const MAGIC = Buffer.from([0x1f, 0x8b]);

const isGzip = async (file: string): Promise<boolean> => {
  const handle = await open(file).catch(() => null);
  if (handle === null) return false;
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, 0);
    return bytesRead === MAGIC.length && buffer.equals(MAGIC);
  } finally {
    await handle.close();
  }
};

/**
 * @throws MillraceError MR_FILE_INVALID where the file is gzip and is not whole; one that is not
 * there is for its reader to tell of
 */
export const checkWholeGzip = async (file: string): Promise<void> => {
  if (!(await isGzip(file))) return;
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  try {
    await pipeline(createReadStream(file), createGunzip(), nowhere);
  } catch (error) {
    fail(
      'MR_FILE_INVALID',
      `${file} is gzip and not whole: ${(error as Error).message}; nothing of it was sent`,
      { file },
    );
  }
};
