/**
 * The promise: bodies at every limit and past it, in every broken form, are taken whole or not at
 * all, and a refusal says which.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ERRORS, type ErrorCode } from '#domain/errors.ts';
import { DEFAULT_LIMITS } from '#gateways/shared/limits.ts';
import { eventsEverywhere, type Hostile, sale, startHostile } from './support/fixture.ts';
import { answered, answerIn, bare, post } from './support/socket.ts';

const EVENTS = '/v1/sources/sales/events';

let hostile: Hostile;
beforeAll(async () => {
  hostile = await startHostile();
});
afterAll(async () => {
  expect(hostile.internal).toEqual([]);
  const accepted = hostile.accepted();
  const { platform, running } = hostile;
  expect(await eventsEverywhere(platform, running.files)).toEqual({
    log: accepted,
    exported: accepted,
    counted: accepted,
  });
  await hostile.dispose();
});

const send = async (
  path: string,
  body: string | Buffer,
  type = 'application/json',
): Promise<{ status: number; body: Record<string, unknown> }> => {
  const response = await fetch(`${hostile.http.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: body as never,
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const refused = async (
  answer: Promise<{ status: number; body: Record<string, unknown> }>,
  code: ErrorCode,
  says = /./,
): Promise<void> => {
  const { status, body } = await answer;
  expect({ status, code: body.code }).toEqual({ status: ERRORS[code].status, code });
  expect(body.message).toMatch(says);
};
let ids = 0;
const fresh = (more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> =>
  sale(`b${ids++}`, more);

describe('at each limit the request is taken, one past it is refused', () => {
  const { events, entities, features, definitions, bodyBytes } = DEFAULT_LIMITS;
  test('events', async () => {
    const batch = (n: number) =>
      JSON.stringify({ events: Array.from({ length: n }, () => fresh()) });
    expect((await send(EVENTS, batch(events))).body).toMatchObject({ accepted: events });
    await refused(send(EVENTS, batch(events + 1)), 'MR_BATCH_TOO_LARGE', /10001 .* 10000/);
    await refused(
      send(EVENTS, `{"events":[${'0,'.repeat(1_000_000)}0]}`),
      'MR_BATCH_TOO_LARGE',
      /1000001/,
    );
  });
  test('entities and features', async () => {
    const ask = (e: number, f: number) =>
      JSON.stringify({
        features: new Array(f).fill('turnover:sales'),
        entities: new Array(e).fill({ shop: 's1' }),
      });
    expect((await send('/v1/features', ask(entities, 1))).status).toBe(200);
    await refused(send('/v1/features', ask(entities + 1, 1)), 'MR_QUERY_TOO_LARGE', /5001 .* 5000/);
    await refused(send('/v1/features', ask(1, features + 1)), 'MR_QUERY_TOO_LARGE', /1001 .* 1000/);
    await refused(
      send('/v1/features', `{"service":"till","entities":[${'{},'.repeat(1_000_000)}{}]}`),
      'MR_QUERY_TOO_LARGE',
    );
    await refused(
      send('/v1/apply', JSON.stringify({ definitions: new Array(definitions + 1).fill({}) })),
      'MR_BODY_TOO_LARGE',
    );
  });
  test('bytes', async () => {
    const body = (bytes: number): string => {
      const head = '{"events":[{"note":"';
      return `${head}${'x'.repeat(bytes - head.length - 4)}"}]}`;
    };
    const { body: taken } = await send(EVENTS, body(bodyBytes));
    expect(taken).toMatchObject({
      accepted: 0,
      rejected: [{ code: expect.stringMatching(/MR_/) }],
    });
    await refused(send(EVENTS, body(bodyBytes + 1)), 'MR_BODY_TOO_LARGE', /16777216/);
  });
  test('levels', async () => {
    const deep = (n: number) => `{"events":[{"note":${'['.repeat(n)}${']'.repeat(n)}}]}`;
    expect((await send(EVENTS, deep(490))).body).toMatchObject({
      rejected: [{ code: expect.stringMatching(/MR_/) }],
    });
    await refused(send(EVENTS, deep(100_000)), 'MR_BODY_INVALID', /500 levels/);
    // Brackets in texts are not levels.
    expect(
      (await send(EVENTS, JSON.stringify({ events: [fresh({ note: '[{"\\'.repeat(5_000) })] })))
        .body,
    ).toMatchObject({
      accepted: 1,
    });
  });
});

describe('NDJSON', () => {
  const lines = (text: string | Buffer) => send(EVENTS, text, 'application/x-ndjson');
  const line = (more = {}): string => JSON.stringify(fresh(more));

  test('CRLF, blank lines, no last line end and one giant line give the same events', async () => {
    expect((await lines(`${line()}\r\n\r\n${line()}\r\n`)).body).toMatchObject({ accepted: 2 });
    expect((await lines(`\n\n${line()}\n \n${line()}`)).body).toMatchObject({ accepted: 2 });
    expect((await lines(line({ note: 'x'.repeat(500_000) }))).body).toMatchObject({ accepted: 1 });
    expect((await lines(`${line({ note: 'x'.repeat(2_000_000) })}\n${line()}`)).body).toMatchObject(
      {
        accepted: 1,
        rejected: [{ index: 0, code: 'MR_EVENT_TOO_LARGE' }],
      },
    );
  });
  test('a line that is no JSON refuses the whole body with the number of the line', async () => {
    const good = line();
    for (const [bad, says] of [
      [`${good}\n${good.slice(0, -5)}`, /line 2 /],
      [`${good}\n${good}${good}`, /line 2 /],
      [`${good}\nnull,\n`, /line 2 /],
      [`${good}\n\ufeff{}`, /line 2 /],
      ['\ufeff\ufeff{}', /line 1 /],
      [`${good}\n${'['.repeat(100_000)}`, /500 levels/],
      [
        Buffer.concat([Buffer.from(`${good}\n{"note":"`), Buffer.from([0xff]), Buffer.from('"}')]),
        /UTF-8/,
      ],
    ] as const)
      await refused(lines(bad), 'MR_BODY_INVALID', says);
    expect((await lines(good)).body, 'none of the refused bodies took it').toMatchObject({
      accepted: 1,
      duplicates: 0,
    });
  });
  test('a byte order mark before the first line is no part of it, as in files', async () => {
    expect((await lines(`\ufeff${line()}`)).body).toMatchObject({ accepted: 1, rejected: [] });
  });
  test('lines of JSON that are no events are rejected one by one', async () => {
    const { body } = await lines(`1\nnull\n"x"\n[]\n${line()}\n{}\ntrue`);
    expect(body).toMatchObject({ accepted: 1 });
    expect(body.rejected).toHaveLength(6);
  });
});

describe('JSON that parsers read differently', () => {
  const one = (text: string) => send(EVENTS, `{"events":[${text}]}`);
  test('of duplicate keys the last counts, as everywhere in JSON', async () => {
    const event = JSON.stringify(fresh());
    const { body } = await one(`${event.slice(0, -1)},"amount":7}`);
    expect(body).toMatchObject({ accepted: 1 });
  });
  test('__proto__ and similar names are unknown fields, and change nothing', async () => {
    for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const { body } = await one(
        `${JSON.stringify(fresh()).slice(0, -1)},"${key}":{"polluted":1}}`,
      );
      expect(body, key).toMatchObject({ accepted: 0, rejected: [{ code: 'MR_FIELD_UNKNOWN' }] });
    }
    const { id: _, ...event } = fresh();
    expect(
      (await one(`{"__proto__":${JSON.stringify({ ...event, id: 'x' })}}`)).body,
    ).toMatchObject({ accepted: 0 });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
  test('numbers out of range are rejected', async () => {
    for (const [text, code] of [
      ['1e309', 'MR_FIELD_NOT_FINITE'],
      ['-1e400', 'MR_FIELD_NOT_FINITE'],
      ['"NaN"', 'MR_FIELD_NOT_FINITE'],
      ['"-Infinity"', 'MR_FIELD_NOT_FINITE'],
      ['"5"', 'MR_FIELD_TYPE'],
    ] as const) {
      const event = JSON.stringify(fresh()).replace('"amount":5', `"amount":${text}`);
      expect((await one(event)).body, text).toMatchObject({
        rejected: [{ code, field: 'amount' }],
      });
    }
    const pieces = (text: string) =>
      one(`${JSON.stringify(fresh()).slice(0, -1)},"ids":[${text}]}`);
    for (const text of ['9007199254740993', '1e300', '1.5', '123456789012345678901234567890'])
      expect((await pieces(text)).body, text).toMatchObject({
        accepted: 0,
        rejected: [{ field: 'ids' }],
      });
  });
  test('a lone surrogate is rejected', async () => {
    const { body } = await one(`${JSON.stringify(fresh()).slice(0, -1)},"note":"\\ud800"}`);
    expect(body).toMatchObject({ accepted: 0, rejected: [{ field: 'note' }] });
  });
});

describe('bytes that are hardly HTTP', () => {
  const raw = async (
    data: string | Buffer,
    end = false,
  ): Promise<{ status: number; body: unknown } | null> => {
    const connection = await bare(hostile.http.url);
    connection.write(data);
    if (end) connection.socket.end();
    const text = await connection.until(answered);
    connection.socket.destroy();
    return answerIn(text);
  };
  const json = JSON.stringify({ events: [sale('never')] });
  const head = (...lines: readonly string[]): string =>
    [`POST ${EVENTS} HTTP/1.1`, 'host: x', 'content-type: application/json', ...lines].join('\r\n');

  test.each([
    ['no request at all', 'hello\r\n\r\n'],
    ['TLS to a plain port', Buffer.from('16030100a50100', 'hex')],
    ['a method that is none', 'PÖST / HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['a head without end', `GET / HTTP/1.1\r\n${'x: y\r\n'.repeat(20_000)}`],
    ['one header of a megabyte', `GET / HTTP/1.1\r\nx: ${'y'.repeat(1_000_000)}`],
    ['two lengths', `${head('content-length: 5', 'content-length: 6')}\r\n\r\n${json}`],
    [
      'a length and chunks',
      `${head('content-length: 5', 'transfer-encoding: chunked')}\r\n\r\n5\r\n{"a":\r\n`,
    ],
    ['a length below zero', `${head('content-length: -1')}\r\n\r\n`],
    ['a length that is no number', `${head('content-length: 0x10')}\r\n\r\n`],
    ['a chunk with no size', `${head('transfer-encoding: chunked')}\r\n\r\nzz\r\n`],
    [
      'a chunk of more than can be',
      `${head('transfer-encoding: chunked')}\r\n\r\nffffffffffffffffff\r\n`,
    ],
    ['a NUL in a header', `${head('x: \u0000')}\r\n\r\n`],
    ['a line feed alone in a header', `GET /healthz HTTP/1.1\r\nhost: x\r\na: b\nc\r\n\r\n`],
    [
      'a transfer that is not known',
      `${head('transfer-encoding: gzip, chunked')}\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    ],
    [
      'chunks of a body past the limit',
      `${head('transfer-encoding: chunked')}\r\n\r\n${`${(2 ** 20).toString(16)}\r\n${'x'.repeat(2 ** 20)}\r\n`.repeat(17)}`,
    ],
  ])('%s: refused with a code, or cut off', async (_what, data) => {
    const answer = await raw(data as string);
    if (answer === null) return;
    const { code, message } = (answer.body ?? {}) as { code?: string; message?: string };
    expect(Object.keys(ERRORS)).toContain(code);
    expect(answer.status).toBe(ERRORS[code as ErrorCode].status);
    expect(message).toBeTruthy();
  });

  test('bodies that are cut off are not taken', async () => {
    await raw(`${head(`content-length: ${json.length + 10}`)}\r\n\r\n${json}`, true);
    await raw(
      `${head('transfer-encoding: chunked')}\r\n\r\n${json.length.toString(16)}\r\n${json}\r\n`,
      true,
    );
    await raw(
      `${head('transfer-encoding: chunked')}\r\n\r\n${json.length.toString(16)}\r\n${json.slice(0, 10)}`,
      true,
    );
    const { body } = await send(EVENTS, json);
    expect(body, 'none of them was taken').toMatchObject({ accepted: 1, duplicates: 0 });
  });

  test('a thousand pipelined requests on one connection are answered in order', async () => {
    const connection = await bare(hostile.http.url);
    connection.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(1_000));
    const count = (text: string): number => text.split('HTTP/1.1 200').length - 1;
    await connection.until((text) => count(text) === 1_000);
    expect(count(connection.text())).toBe(1_000);
    connection.socket.destroy();
  });

  test('a compressed body is refused before it is inflated', async () => {
    const answer = await raw(post(EVENTS, Buffer.alloc(100, 0x1f), ['content-encoding: gzip']));
    expect(answer).toMatchObject({ status: 415, body: { code: 'MR_MEDIA_TYPE' } });
  });
});
