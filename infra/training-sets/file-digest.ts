/** SHA-256 of a file. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

const CHUNK_BYTES = 1 << 20;

export interface FileDigest {
  readonly bytes: number;
  /** hexadecimal */
  readonly sha256: string;
}

export const fileDigest = async (path: string, signal?: AbortSignal): Promise<FileDigest> => {
  const hash = createHash('sha256');
  let bytes = 0;
  await pipeline(
    createReadStream(path, { highWaterMark: CHUNK_BYTES }),
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        bytes += chunk.length;
        hash.update(chunk);
      }
    },
    ...(signal === undefined ? [] : [{ signal }]),
  );
  return { bytes, sha256: hash.digest('hex') };
};
