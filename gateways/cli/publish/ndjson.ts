/** NDJSON, one event a line. A line is checked to be JSON and sent as it stands; numbers keep their digits. */
import { createReadStream } from 'node:fs';
import { fail } from '#domain/errors.ts';
import { type Batch, createBatcher, type ReadOptions } from './batch.ts';

const CHUNK_BYTES = 1024 * 1024;

async function* linesOf(file: string): AsyncGenerator<string> {
  const stream: AsyncIterable<Buffer> = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: CHUNK_BYTES });
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let tail = '';
  const decode = (bytes?: Buffer): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch {
      return fail('MR_FILE_INVALID', `${file} is not UTF-8`, { file });
    }
  };
  try {
    for await (const bytes of stream) {
      const text = tail + decode(bytes);
      let start = 0;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
        yield text.slice(start, end);
        start = end + 1;
      }
      tail = text.slice(start);
    }
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) fail('MR_FILE_INVALID', `${file}: ${error.message}`, { file });
    throw error;
  }
  tail += decode();
  if (tail !== '') yield tail;
}

export async function* ndjsonBatches(file: string, { skip, limit, onBadLine }: ReadOptions): AsyncGenerator<Batch> {
  const batcher = createBatcher(skip);
  let line = 0;
  let count = 0;
  for await (const text of linesOf(file)) {
    line++;
    if (count >= limit) break;
    try {
      JSON.parse(text);
    } catch (error) {
      if (text.trim() !== '') onBadLine({ line, message: `is not JSON: ${(error as Error).message}` });
      continue;
    }
    count++;
    if (count <= skip) continue;
    const full = batcher.add(text.trim());
    if (full !== null) yield full;
  }
  const rest = batcher.rest();
  if (rest !== null) yield rest;
}
