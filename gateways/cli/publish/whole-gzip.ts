/**
 * DuckDB reads a truncated gzip file without an error, so that its last rows would be lost. This
 * check finds such files first.
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
 * @throws MR_FILE_INVALID if the file is gzip and truncated. A missing file is reported by its
 * reader
 */
export const checkWholeGzip = async (file: string): Promise<void> => {
  if (!(await isGzip(file))) return;
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  try {
    await pipeline(createReadStream(file), createGunzip(), nowhere);
  } catch (error) {
    fail(
      'MR_FILE_INVALID',
      `${file} is an incomplete gzip file: ${(error as Error).message}; no event was sent`,
      { file },
    );
  }
};
