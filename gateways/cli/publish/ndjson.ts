/**
 * NDJSON, one event per line. Each line is checked to be JSON and sent unchanged, so that numbers
 * keep their digits. A line for which the server would refuse the whole batch is reported and left
 * out.
 */
import { createReadStream } from 'node:fs';
import { fail } from '#domain/errors.ts';
import { isTooDeep, MAX_DEPTH } from '#domain/sources/json-depth.ts';
import { type Batch, createBatcher, type ReadOptions } from './batch.ts';

const CHUNK_BYTES = 1024 * 1024;

/**
 * Several times the largest event: a file without line breaks is not read into memory as a whole.
 */
const MAX_LINE_CHARS = 4_000_000;

async function* linesOf(file: string): AsyncGenerator<string> {
  const stream: AsyncIterable<Buffer> =
    file === '-' ? process.stdin : createReadStream(file, { highWaterMark: CHUNK_BYTES });
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let tail = '';
  let line = 0;
  const decode = (bytes?: Buffer): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch {
      return fail('MR_FILE_INVALID', `${file} is not UTF-8, in line ${line + 1} or soon after`, {
        file,
        line: line + 1,
      });
    }
  };
  try {
    for await (const bytes of stream) {
      const text = tail + decode(bytes);
      let start = 0;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
        line++;
        yield text.slice(start, end);
        start = end + 1;
      }
      tail = text.slice(start);
      if (tail.length > MAX_LINE_CHARS)
        fail(
          'MR_FILE_INVALID',
          `${file}: line ${line + 1} has more than ${MAX_LINE_CHARS} characters: is it NDJSON?`,
          {
            file,
            line: line + 1,
          },
        );
    }
  } catch (error) {
    if (error instanceof Error && 'syscall' in error)
      fail('MR_FILE_INVALID', `${file}: ${error.message}`, { file });
    throw error;
  }
  tail += decode();
  if (tail !== '') yield tail;
}

export async function* ndjsonBatches(
  file: string,
  { skip, limit, onBadLine }: ReadOptions,
): AsyncGenerator<Batch> {
  const batcher = createBatcher(skip);
  let line = 0;
  let count = 0;
  for await (const text of linesOf(file)) {
    line++;
    if (count >= limit) break;
    try {
      JSON.parse(text);
    } catch (error) {
      if (text.trim() !== '')
        onBadLine({ line, message: `is not JSON: ${(error as Error).message}` });
      continue;
    }
    if (text.length > MAX_DEPTH && isTooDeep(Buffer.from(text))) {
      onBadLine({ line, message: `is nested deeper than ${MAX_DEPTH} levels` });
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
