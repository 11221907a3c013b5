/**
 * Bodies to values. Bytes that are not UTF-8 are refused: a replacement character would be another
 * value than the one sent.
 */

import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { messageOf } from '#domain/error-message.ts';
import { fail } from '#domain/errors.ts';
import { isTooDeep, MAX_DEPTH } from '#domain/sources/json-depth.ts';
import type { ReadBody } from './read-body.ts';

export const NDJSON_TYPES = [
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/x-jsonlines',
];

type Done = (error: Error | null, body?: unknown) => void;

const textOf = (request: FastifyRequest, bytes: Buffer, byLine: boolean): string => {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    fail('MR_MEDIA_TYPE', `content-encoding "${encoding}" is not taken: send the body as it is`, {
      encoding,
    });
  }
  if (!isUtf8(bytes)) fail('MR_BODY_INVALID', 'the body is not UTF-8');
  if (isTooDeep(bytes, byLine))
    fail('MR_BODY_INVALID', `the body is nested deeper than ${MAX_DEPTH} levels`, {
      limit: MAX_DEPTH,
    });
  return bytes.toString('utf8');
};

const parseJson = (text: string): unknown => {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    return fail('MR_BODY_INVALID', `the body is not JSON: ${messageOf(error)}`);
  }
};

/**
 * One event a line; blank lines are skipped. A line that is not JSON refuses the whole body, so
 * that nothing is half taken.
 */
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
      fail(
        'MR_BODY_INVALID',
        `line ${line} is not JSON: ${messageOf(error)}; nothing of the body was taken`,
        { line },
      );
    }
  }
  return events;
};

const adding =
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
  app.addContentTypeParser('application/json', adding(readBody, parseJson, false));
};

export const addNdjsonParser = (app: FastifyInstance, readBody: ReadBody): void => {
  app.addContentTypeParser(
    NDJSON_TYPES,
    adding(readBody, (text) => ({ events: parseNdjson(text) }), true),
  );
};
