/** Bodies to values. Bytes that are not UTF-8 are refused: a replacement character would be another value than the one sent. */
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { fail } from '#domain/errors.ts';

export const NDJSON_TYPES = ['application/x-ndjson', 'application/ndjson', 'application/jsonl', 'application/x-jsonlines'];

type Done = (error: Error | null, body?: unknown) => void;

const textOf = (request: FastifyRequest, bytes: Buffer, byLine: boolean): string => {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    fail('MR_MEDIA_TYPE', `content-encoding "${encoding}" is not taken: send the body as it is`, { encoding });
  }
  if (!isUtf8(bytes)) fail('MR_BODY_INVALID', 'the body is not UTF-8');
  if (isTooDeep(bytes, byLine))
    fail('MR_BODY_INVALID', `the body is nested deeper than ${MAX_DEPTH} levels`, { limit: MAX_DEPTH });
  return bytes.toString('utf8');
};

/**
 * Deeper than any body that means something, and far from what a stack holds: whoever shows, stores or compares a value walks into it.
 * An expression of 100 levels takes some 300.
 */
const MAX_DEPTH = 500;
const [LINE_END, QUOTE, BACKSLASH, OPEN, CLOSE] = [10, 34, 92, 91, 93] as const;
/** `{` is `[` and `}` is `]` but for this bit. */
const CURLY = 0x20;

/** Of JSON, or of JSON by lines; of what is neither, anything. */
const isTooDeep = (bytes: Buffer, byLine: boolean): boolean => {
  const { length } = bytes;
  if (length <= MAX_DEPTH) return false;
  let depth = 0;
  for (let i = 0; i < length; ) {
    const byte = bytes[i++] as number;
    if (byte === LINE_END && byLine) depth = 0;
    else if (byte === QUOTE) {
      while (i < length) {
        const inside = bytes[i++];
        if (inside === QUOTE || inside === LINE_END) break;
        if (inside === BACKSLASH) i++;
      }
    } else if ((byte & ~CURLY) === OPEN) {
      if (++depth > MAX_DEPTH) return true;
    } else if ((byte & ~CURLY) === CLOSE) depth--;
  }
  return false;
};

const why = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const parseJson = (text: string): unknown => {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    return fail('MR_BODY_INVALID', `the body is not JSON: ${why(error)}`);
  }
};

/** One event a line; blank lines are skipped. A line that is not JSON refuses the whole body, so that nothing is half taken. */
export const parseNdjson = (text: string): unknown[] => {
  const events: unknown[] = [];
  let line = 0;
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start);
    const stop = end < 0 ? text.length : end;
    line++;
    const part = text.slice(start, stop);
    start = stop + 1;
    if (part.length < 2 && part.trim() === '') continue;
    try {
      events.push(JSON.parse(part));
    } catch (error) {
      if (part.trim() === '') continue;
      fail('MR_BODY_INVALID', `line ${line} is not JSON: ${why(error)}; nothing of the body was taken`, { line });
    }
  }
  return events;
};

const adding = (parse: (text: string) => unknown, byLine: boolean) => (request: FastifyRequest, bytes: Buffer, done: Done) => {
  let body: unknown;
  try {
    body = parse(textOf(request, bytes, byLine));
  } catch (error) {
    done(error as Error);
    return;
  }
  done(null, body);
};

export const addJsonParser = (app: FastifyInstance): void => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, adding(parseJson, false));
};

export const addNdjsonParser = (app: FastifyInstance): void => {
  app.addContentTypeParser(
    NDJSON_TYPES,
    { parseAs: 'buffer' },
    adding((text) => ({ events: parseNdjson(text) }), true),
  );
};
