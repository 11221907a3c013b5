/**
 * NDJSON, one event per line. Each line is checked to be JSON and sent unchanged, so that numbers
 * keep their digits. A line for which the server would refuse the whole batch is reported and left
 * out.
 */
import { fail } from '#domain/errors.ts';
import type { RefuseLine } from '#domain/files/utf8-text.ts';
import { utf8Text } from '#domain/files/utf8-text.ts';
import { isTooDeep, MAX_DEPTH } from '#domain/sources/json-depth.ts';
import { type Batch, createBatcher, type ReadOptions } from './batch.ts';
import { readPieces } from './read-pieces.ts';

/**
 * Several times the largest event: a file without line breaks is not read into memory as a whole.
 */
const MAX_LINE_CHARS = 4_000_000;

async function* linesOf(file: string): AsyncGenerator<string> {
  const name = file === '-' ? 'stdin' : file;
  const refuse: RefuseLine = (bad, what) =>
    fail('MR_FILE_INVALID', `${name}, line ${bad}: ${what}`, { file, line: bad });
  const decoder = utf8Text(refuse);
  let tail = '';
  let line = 0;
  for await (const bytes of readPieces(file)) {
    const text = tail + decoder.push(bytes).text;
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      line++;
      yield text.slice(start, end);
      start = end + 1;
    }
    tail = text.slice(start);
    if (tail.length > MAX_LINE_CHARS)
      refuse(line + 1, `the line has more than ${MAX_LINE_CHARS} characters: is it NDJSON?`);
  }
  tail += decoder.end().text;
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
