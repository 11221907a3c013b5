/**
 * The objects of an NDJSON body, read while it arrives. A body that is cut, too large or not JSON
 * ends the iteration with an error, so a consumer that has seen the end has seen all of it.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { messageOf } from '#domain/error-message.ts';
import { fail } from '#domain/errors.ts';
import { isTooDeep, MAX_DEPTH } from '#domain/sources/json-depth.ts';
import { parseExactJson } from '#domain/values/exact-json.ts';

export interface LinesOptions {
  readonly bodyBytes: number;
  readonly lineBytes: number;
}

const LINE_END = 10;
const MARK = '\ufeff';

async function* texts(
  payload: AsyncIterable<Buffer>,
  { bodyBytes, lineBytes }: LinesOptions,
): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const decode = (bytes: Buffer | undefined, stream: boolean): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream });
    } catch {
      return fail('MR_BODY_INVALID', 'the body is not UTF-8');
    }
  };
  let received = 0;
  let tail = '';
  let first = true;
  for await (const bytes of payload) {
    received += bytes.length;
    if (received > bodyBytes)
      fail('MR_BODY_TOO_LARGE', `the body is larger than ${bodyBytes} bytes`, { limit: bodyBytes });
    let text = tail + decode(bytes, true);
    if (first && text.startsWith(MARK)) text = text.slice(1);
    if (text.length > 0) first = false;
    const end = bytes.includes(LINE_END) ? text.lastIndexOf('\n') + 1 : 0;
    tail = text.slice(end);
    if (tail.length > lineBytes)
      fail('MR_BODY_INVALID', `a line has more than ${lineBytes} characters: is it NDJSON?`);
    if (end > 0) yield text.slice(0, end);
  }
  tail += decode(undefined, false);
  if (tail !== '') yield tail;
}

export async function* ndjsonLines(
  payload: IncomingMessage,
  headers: IncomingHttpHeaders,
  options: LinesOptions,
): AsyncGenerator<readonly unknown[]> {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    fail(
      'MR_MEDIA_TYPE',
      `content-encoding "${encoding}" is not supported: send the body without encoding`,
      { encoding },
    );
  const whole = async function* (): AsyncGenerator<Buffer> {
    try {
      yield* payload as AsyncIterable<Buffer>;
    } catch {
      fail('MR_BODY_INVALID', 'the connection ended before the body did');
    }
    if (!payload.complete) fail('MR_BODY_INVALID', 'the connection ended before the body did');
  };
  let line = 0;
  for await (const text of texts(whole(), options)) {
    const rows: unknown[] = [];
    for (const part of text.replace(/\n$/, '').split('\n')) {
      line++;
      if (part.trim() === '') continue;
      if (part.length > MAX_DEPTH && isTooDeep(Buffer.from(part)))
        fail('MR_BODY_INVALID', `line ${line} is nested deeper than ${MAX_DEPTH} levels`, { line });
      try {
        rows.push(parseExactJson(part));
      } catch (error) {
        fail('MR_BODY_INVALID', `line ${line} is not JSON: ${messageOf(error)}`, { line });
      }
    }
    if (rows.length > 0) yield rows;
  }
}
