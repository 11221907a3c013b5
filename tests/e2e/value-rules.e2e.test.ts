/**
 * One rule per type: the same text of a value means the same value, or is refused, wherever JSON is
 * read: events over HTTP, as NDJSON, from Kafka and over gRPC, entity keys and request inputs of
 * reads. Text without JSON (the command line, query strings, CSV cells) is read by `readText`.
 */
import {
  avg,
  col,
  count,
  entity,
  featureView,
  last,
  onDemandFeature,
  request,
  source,
} from 'millrace';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Definition } from '#domain/definitions/model.ts';
import { isExactNumber, parseExactJson } from '#domain/values/exact-json.ts';
import { floatDigits } from '#domain/values/float-digits.ts';
import { readText } from '#domain/values/read-text.ts';
import type { Scalar, ScalarType } from '#domain/values/value.ts';
import { plainRowOf, structOf } from '#gateways/grpc/struct.ts';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';

/** JSON text of a value → the value that reads show, or why it is refused. */
type Cases = readonly (readonly [json: string, meaning: Scalar | RegExp])[];

const OUT_OF_INT = /out of range for int/;
const OUT_OF_LONG = /out of range for long/;
const NO_NUMBER = /must be a number/;

const CASES: Readonly<Record<ScalarType, Cases>> = {
  string: [
    ['"x"', 'x'],
    ['""', ''],
    ['" 5 "', ' 5 '],
    ['"\\u0000é\\ufeff"', '\u0000é\ufeff'],
    ['"\\ud800"', /well-formed/],
    ['5', /got 5\b/],
    ['12.30', /got 12\.3\b/],
    ['18446744073709551615', /got 18446744073709551615\b/],
    ['true', /got true/],
  ],
  int: [
    ['5', 5],
    ['5.0', 5],
    ['-0', 0],
    ['1e3', 1000],
    ['2147483647', 2147483647],
    ['-2147483648', -2147483648],
    ['2147483648', OUT_OF_INT],
    ['9007199254740993', /9007199254740993 is out of range for int/],
    ['1.5', /got 1\.5/],
    ['1.0000000000000000000001', /got 1\.0000000000000000000001/],
    ['1e-400', /got 1e-400/],
    ['"5"', /got "5"/],
    ['true', /got true/],
  ],
  long: [
    ['5', 5],
    ['5.0', 5],
    ['9007199254740991', 9007199254740991],
    ['-9007199254740991', -9007199254740991],
    ['9007199254740992', /9007199254740992 is out of range for long/],
    ['9007199254740993', /9007199254740993 is out of range for long.*as a string/],
    ['-9007199254740993', /-9007199254740993 is out of range/],
    ['18446744073709551615', /18446744073709551615 is out of range/],
    ['1e300', OUT_OF_LONG],
    ['0.5', /got 0\.5/],
    ['0.00000000000000000', 0],
    ['-3.0000000000000000000001', /got -3\.0000000000000000000001/],
  ],
  float: [
    ['1.111', 1.111],
    ['0.1', 0.1],
    ['-0.0', 0],
    ['16777217', 16777216],
    ['3.4028235e38', 3.4028235e38],
    ['1e-45', 1e-45],
    ['1e39', /out of range for float/],
    ['"1"', NO_NUMBER],
  ],
  double: [
    ['1.111', 1.111],
    ['-0.0', 0],
    ['9007199254740993', 9007199254740992],
    ['18446744073709551615', 18446744073709552000],
    ['5e-324', 5e-324],
    ['1.0000000000000000000001', 1],
    ['1e-400', 0],
    ['1.7976931348623157e308', 1.7976931348623157e308],
    ['1e999', /not a finite number/],
    ['"NaN"', /not a finite number/],
    ['"1"', NO_NUMBER],
  ],
  boolean: [
    ['true', true],
    ['false', false],
    ['1', /true or false/],
    ['"true"', /true or false/],
  ],
  timestamp: [
    ['"2024-02-29T12:00:00Z"', 1709208000000],
    ['"2024-02-29T14:00:00.123456789+02:00"', 1709208000123],
    ['1709208000000', 1709208000000],
    ['-1', -1],
    ['"1969-12-31T23:59:59.999999Z"', -1],
    ['"1970-01-20T18:46:48Z"', 1709208000 - (1709208000 % 1000)],
    ['"0001-01-01T00:00:00Z"', -62135596800000],
    ['"9999-12-31T23:59:59.999Z"', 253402300799999],
    ['1709208000', /seconds: multiply it by 1,000/],
    ['1709208000000000', /microseconds: divide it by 1,000/],
    ['1709208000000000000', /nanoseconds: divide it by 1,000,000/],
    ['1709208000000.5', /epoch milliseconds/],
    ['"2024-02-29"', /is a date, not a point in time/],
    ['"2024-02-29T12:00:00"', /has no zone/],
  ],
  date: [
    ['"2024-02-29"', 19782],
    ['"2024-02-29T00:00:00Z"', 19782],
    ['"2024-02-29 00:00:00"', 19782],
    ['"2024-02-29T00:00:00.000+00:00"', 19782],
    ['19782', 19782],
    ['"0001-01-01"', -719162],
    ['"9999-12-31"', 2932896],
    ['"2023-02-29"', /not a date that exists/],
    ['"2024-02-29T01:00:00Z"', /not a date that exists/],
    ['1.5', /YYYY-MM-DD/],
  ],
  bytes: [
    ['"aGk="', 'aGk='],
    ['""', ''],
    ['"aGk"', /base64/],
    ['5', /base64/],
  ],
};
const TYPES = Object.keys(CASES) as ScalarType[];

const sourceOf = (type: ScalarType) =>
  source({
    name: `s_${type}`,
    fields: { ts: 'timestamp', id: 'string', v: `${type}?` },
    eventTime: 'ts',
  });
/** The types that a key may have. */
const KEY_TYPES: readonly ScalarType[] = ['string', 'int', 'long', 'boolean', 'timestamp', 'date'];

const definitionsOf = (type: ScalarType): readonly Definition[] => {
  const events = sourceOf(type);
  const one = entity({ name: `by_id_${type}`, keys: { id: 'string' } });
  const key = entity({ name: `by_v_${type}`, keys: { v: type } });
  const isKey = KEY_TYPES.includes(type);
  return [
    events,
    one,
    ...(isKey ? [key] : []),
    featureView({
      name: `values_${type}`,
      entity: one,
      source: events,
      features: { v: last(col('v')) },
    }),
    ...(isKey
      ? [
          featureView({
            name: `keys_${type}`,
            entity: key,
            source: events,
            features: { n: count() },
          }),
        ]
      : []),
    onDemandFeature({
      name: `input_${type}`,
      type,
      inputs: { r: request('r', type) },
      value: ({ r }) => r,
    }),
  ];
};

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
          const shown = JSON.stringify(parseExactJson(json));
          expect([json, outcome]).toEqual([json, { refused: expect.stringContaining(shown) }]);
        } else if (entry !== 'gRPC') {
          expect([json, outcome]).toEqual([json, { refused: expect.stringMatching(meaning) }]);
        } else expect([json, outcome]).toEqual([json, { refused: expect.any(String) }]);
      }
    });
  });

test('text: numbers, flags, times and dates mean what they mean in JSON', () => {
  for (const type of TYPES)
    for (const [json, meaning] of CASES[type]) {
      const value = JSON.parse(json) as unknown;
      const quoted = typeof value === 'string';
      // Text has no types: "5" in quotes is the text 5, and every text is a string.
      if (quoted !== ['string', 'timestamp', 'date', 'bytes'].includes(type)) continue;
      const read = readText(type, quoted ? (value as string) : json);
      const shown = type === 'float' && typeof read === 'number' ? floatDigits(read) : read;
      expect([type, json, shown]).toEqual([
        type,
        json,
        meaning instanceof RegExp ? undefined : meaning,
      ]);
    }
  expect(readText('boolean', 'TRUE')).toBe(true);
  expect(readText('long', '9007199254740993')).toBeUndefined();
  expect(readText('long', '007')).toBeUndefined();
  expect(readText('timestamp', '1709208000')).toBeUndefined();
  expect(readText('timestamp', '1709208000000')).toBe(1709208000000);
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
