/**
 * Parses bodies. A body that is not UTF-8 is refused: replacement characters would change its
 * values.
 */

import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { messageOf } from '#domain/error-message.ts';
import { fail } from '#domain/errors.ts';
import { isTooDeep, MAX_DEPTH } from '#domain/sources/json-depth.ts';
import { parseExactJson } from '#domain/values/exact-json.ts';
import type { ReadBody } from './read-body.ts';

const NDJSON_TYPES = [
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/x-jsonlines',
];

/** U+FEFF in UTF-8: programs that write files put it first, and JSON has no place for it. */
const MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const hasMark = (bytes: Buffer): boolean =>
  bytes[0] === MARK[0] && bytes.subarray(0, MARK.length).equals(MARK);

type Done = (error: Error | null, body?: unknown) => void;

const textOf = (request: FastifyRequest, bytes: Buffer, byLine: boolean): string => {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    fail(
      'MR_MEDIA_TYPE',
      `content-encoding "${encoding}" is not supported: send the body without encoding`,
      {
        encoding,
      },
    );
  }
  if (!isUtf8(bytes)) fail('MR_BODY_INVALID', 'the body is not UTF-8');
  if (isTooDeep(bytes, byLine))
    fail('MR_BODY_INVALID', `the body is nested deeper than ${MAX_DEPTH} levels`, {
      limit: MAX_DEPTH,
    });
  return bytes.toString('utf8', hasMark(bytes) ? MARK.length : 0);
};

const parseJson = (text: string): unknown => {
  if (text === '') return {};
  try {
    return parseExactJson(text);
  } catch (error) {
    return fail('MR_BODY_INVALID', `the body is not JSON: ${messageOf(error)}`);
  }
};

/**
 * One event per line; blank lines are skipped.
 *
 * @throws MR_BODY_INVALID for the whole body if a line is not JSON, so that no part is published
 */
const parseNdjson = (text: string): unknown[] => {
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
      events.push(parseExactJson(part));
    } catch (error) {
      if (part.trim() === '') continue;
      fail(
        'MR_BODY_INVALID',
        `line ${line} is not JSON: ${messageOf(error)}; no event of the body was published`,
        { line },
      );
    }
  }
  return events;
};

const parserOf =
  (readBody: ReadBody, parse: (text: string) => unknown, byLine: boolean) =>
  (request: FastifyRequest, payload: IncomingMessage, done: Done): void =>
    readBody(request, payload, (broken, bytes) => {
      if (broken !== null) return done(broken);
      let body: unknown;
      try {
        body = parse(textOf(request, bytes as Buffer, byLine));
      } catch (error) {
        return done(error as Error);
      }
      done(null, body);
    });

export const addJsonParser = (app: FastifyInstance, readBody: ReadBody): void => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', parserOf(readBody, parseJson, false));
};

export const addNdjsonParser = (app: FastifyInstance, readBody: ReadBody): void => {
  app.addContentTypeParser(
    NDJSON_TYPES,
    parserOf(readBody, (text) => ({ events: parseNdjson(text) }), true),
  );
};
