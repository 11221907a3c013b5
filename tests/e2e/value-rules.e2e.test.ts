/**
 * One rule per type: the same text of a value means the same value, or is refused, wherever JSON is
 * read: events over HTTP, as NDJSON and over gRPC, entity keys and request inputs of reads. Text
 * without JSON (the command line, query strings, CSV cells) is read by `scalarOfText`. Records of
 * Kafka and Feast's protocol have a file each beside this one.
 */
import { avg, col, entity, featureView, source } from 'millrace';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isExactNumber, parseExactJson } from '#domain/values/exact-json.ts';
import { showShort } from '#domain/values/expected.ts';
import { floatDigits } from '#domain/values/float-digits.ts';
import { scalarOfText } from '#domain/values/scalar-of-text.ts';
import type { ScalarType } from '#domain/values/value.ts';
import { plainRowOf, structOf } from '#gateways/grpc/struct.ts';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';
import { CASES, definitionsOf, KEY_TYPES, TYPES } from './value-cases.ts';

let running: TestPlatform;
let gateway: HttpGateway;
beforeAll(async () => {
  running = await testPlatform();
  await running.platform.registry.apply(plain(...TYPES.flatMap(definitionsOf)), {}, caller);
  gateway = await createHttpGateway({
    modules: httpModules(),
    platform: running.platform,
    port: 0,
  });
});
afterAll(async () => {
  await gateway.close();
  await running.dispose();
});

const post = async (path: string, body: string, type = 'application/json'): Promise<unknown> => {
  const answer = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': type },
    body,
  });
  return JSON.parse(await answer.text());
};

interface Answer {
  readonly message?: string;
  readonly rejected?: readonly { readonly message: string; readonly field: string }[];
  readonly rows?: readonly Record<string, unknown>[];
}

/** The value that reads show, or the refusal's message. */
type Outcome = { readonly value: unknown } | { readonly refused: string };

const outcomeOf = async (type: ScalarType, id: string, answer: unknown): Promise<Outcome> => {
  const [refused] = (answer as Answer).rejected ?? [];
  if (refused !== undefined) {
    expect(refused.field).toBe('v');
    return { refused: refused.message };
  }
  const body = `{"features":["values_${type}:v"],"entities":[{"id":"${id}"}]}`;
  const { rows } = (await post('/v1/features', body)) as Answer;
  return { value: rows?.[0]?.v };
};

let ids = 0;
const ENTRIES: Readonly<Record<string, (type: ScalarType, json: string) => Promise<Outcome>>> = {
  async JSON(type, json) {
    const id = `i${ids++}`;
    const event = `{"ts":"2026-01-01T00:00:00Z","id":"${id}","v":${json}}`;
    const path = `/v1/sources/s_${type}/events`;
    return outcomeOf(type, id, await post(path, `{"events":[${event}]}`));
  },
  async NDJSON(type, json) {
    const id = `i${ids++}`;
    const event = `\ufeff{"ts":"2026-01-01T00:00:00Z","id":"${id}","v":${json}}\r\n`;
    const path = `/v1/sources/s_${type}/events`;
    return outcomeOf(type, id, await post(path, event, 'application/x-ndjson'));
  },
  async gRPC(type, json) {
    const id = `i${ids++}`;
    const event = { ts: '2026-01-01T00:00:00Z', id, v: JSON.parse(json) as unknown };
    const events = [plainRowOf(structOf(event))];
    const sent = await running.platform.publishing.publish({ source: `s_${type}`, events }, caller);
    return outcomeOf(type, id, sent);
  },
  async 'an entity key'(type, json) {
    const event = `{"ts":"2026-01-01T00:00:00Z","id":"key","v":${json}}`;
    await post(`/v1/sources/s_${type}/events`, `{"events":[${event}]}`);
    const body = `{"features":["keys_${type}:n"],"entities":[{"v":${json}}]}`;
    const { rows, message = '' } = (await post('/v1/features', body)) as Answer;
    if (rows === undefined) return { refused: message };
    expect(rows[0]?.n, 'the entity of the event is found').toBeGreaterThan(0);
    return { value: undefined };
  },
  async 'a request input'(type, json) {
    const body = `{"features":["input_${type}"],"entities":[{}],"request":[{"r":${json}}]}`;
    const { rows, message = '' } = (await post('/v1/features', body)) as Answer;
    return rows === undefined ? { refused: message } : { value: rows[0]?.[`input_${type}`] };
  },
};

/** Entries whose messages name the value and the expected form, not the reason. */
const READS = ['an entity key', 'a request input'];

for (const [entry, enter] of Object.entries(ENTRIES))
  describe(entry, () => {
    test.each(entry === 'an entity key' ? KEY_TYPES : TYPES)('%s', async (type) => {
      for (const [json, meaning] of CASES[type]) {
        // A number of protobuf is a double: 1.0000000000000000000001 is 1 before it is sent.
        if (entry === 'gRPC' && isExactNumber(parseExactJson(json)) && /[.e]/.test(json)) continue;
        const outcome = await enter(type, json);
        if (!(meaning instanceof RegExp)) {
          if (entry !== 'an entity key')
            expect([json, outcome]).toEqual([json, { value: meaning }]);
          else expect([json, outcome]).toEqual([json, { value: undefined }]);
        } else if (READS.includes(entry)) {
          const shown = showShort(parseExactJson(json));
          expect([json, outcome]).toEqual([json, { refused: expect.stringContaining(shown) }]);
        } else if (entry !== 'gRPC') {
          expect([json, outcome]).toEqual([json, { refused: expect.stringMatching(meaning) }]);
        } else expect([json, outcome]).toEqual([json, { refused: expect.any(String) }]);
      }
    });
  });

test('a refused key or input says what was given and what to send, a missing input how', async () => {
  const messageOf = async (body: string): Promise<string | undefined> =>
    ((await post('/v1/features', body)) as Answer).message;
  expect(await messageOf('{"features":["keys_string:n"],"entities":[{"v":5}]}')).toBe(
    'entity key "v" of view "keys_string" is 5; it must be string: send a string ("5")',
  );
  expect(await messageOf('{"features":["input_string"],"entities":[{}],"request":[{"r":5}]}')).toBe(
    'request input "r" of row 0 is 5, which is not string: send a string ("5")',
  );
  expect(await messageOf('{"features":["input_int"],"entities":[{}]}')).toBe(
    'the request input "r" (int) is missing: the on-demand features need it; add it to "request", or give --request r=… on the command line',
  );
  const two = '"entities":[{},{}],"request":[{"r":1},{}]';
  expect(await messageOf(`{"features":["input_int"],${two}}`)).toContain(
    '"r" (int) is missing in row 1 of "request"',
  );
});

test('text: numbers, flags, times and dates mean what they mean in JSON', () => {
  for (const type of TYPES)
    for (const [json, meaning] of CASES[type]) {
      const value = JSON.parse(json) as unknown;
      const quoted = typeof value === 'string';
      // Text has no types: "5" in quotes is the text 5, and every text is a string.
      if (quoted !== ['string', 'timestamp', 'date', 'bytes'].includes(type)) continue;
      const read = scalarOfText(type, quoted ? (value as string) : json);
      const shown = type === 'float' && typeof read === 'number' ? floatDigits(read) : read;
      expect([type, json, shown]).toEqual([
        type,
        json,
        meaning instanceof RegExp ? undefined : meaning,
      ]);
    }
  expect(scalarOfText('boolean', 'TRUE')).toBe(true);
  expect(scalarOfText('long', '9007199254740993')).toBeUndefined();
  expect(scalarOfText('long', '007')).toBeUndefined();
  expect(scalarOfText('timestamp', '1709208000')).toBeUndefined();
  expect(scalarOfText('timestamp', '1709208000000')).toBe(1709208000000);
});

test('a rejected whole number keeps its digits, wherever it came from', async () => {
  const events = '18446744073709551615,9007199254740993,-9007199254740993'
    .split(',')
    .map((v) => `{"ts":"2026-01-01T00:00:00Z","id":"digits","v":${v}}`);
  await post('/v1/sources/s_long/events', `{"events":[${events}]}`);
  const answer = await fetch(`${gateway.url}/v1/rejected/s_long?limit=1000`);
  const text = await answer.text();
  for (const event of events) expect(text).toContain(event);
});

test('items of a list are refused by their place and reason, and null has its own', async () => {
  const list = source({
    name: 'lists',
    fields: { ts: 'timestamp', tags: 'array<string>?', longs: 'array<long>?', avg: 'double?' },
    eventTime: 'ts',
  });
  const view = featureView({
    name: 'lists_view',
    entity: entity({ name: 'list_owner', keys: { ts: 'timestamp' } }),
    source: list,
    features: { a: avg(col('avg')) },
  });
  await running.platform.registry.apply(
    plain(list, entity({ name: 'list_owner', keys: { ts: 'timestamp' } }), view),
    {},
    caller,
  );
  const refusalOf = async (rest: string): Promise<string> => {
    const body = `{"events":[{"ts":"2026-01-01T00:00:00Z",${rest}}]}`;
    const { rejected } = (await post('/v1/sources/lists/events', body)) as Answer;
    return rejected?.[0]?.message ?? 'accepted';
  };
  expect(await refusalOf('"tags":["x",null]')).toBe(
    'lists.tags: item 2 of the list is null, and items of array<string>? are never null: leave it out.',
  );
  expect(await refusalOf('"longs":[1,9007199254740993]')).toMatch(/item 2.*9007199254740993/);
  expect(await refusalOf('"tags":["x",5]')).toMatch(/item 2 of the list: must be a string.*got 5/);
  expect(await refusalOf('"tags":[]')).toBe('accepted');
});

test('a whole number past 2^53 in a row of a spine keeps its digits, or is refused with them', async () => {
  const large = '9007199254740993';
  const build = async (type: ScalarType, other: string) => {
    const row = `{"event_timestamp":"2026-01-01T00:00:00Z","v":${large},"other":${other}}`;
    const { id } = (await post(
      '/v1/datasets',
      `{"view":"keys_${type}","spine":{"rows":[${row}]}}`,
    )) as { id: string };
    await running.platform.datasets.ended(id);
    return running.platform.datasets.get(id);
  };
  expect((await build('long', '1')).error).toMatchObject({
    code: 'MR_SPINE_INVALID',
    message: expect.stringContaining(large),
  });
  const { id, state } = await build('string', large);
  expect(state).toBe('done');
  const { batches } = await running.platform.datasets.batches(id);
  for await (const { columns } of batches)
    expect(columns.slice(1)).toEqual([[large], [large], [0n]]);
});
