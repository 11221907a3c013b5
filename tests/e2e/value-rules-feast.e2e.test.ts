/**
 * The columns of the matrix for Feast's protocol: rows that are pushed over HTTP and gRPC, entity
 * keys and request inputs of online reads. Its rules differ in four places only, and each is in
 * `feastMeaning` or `readMeaning`:
 *
 *   a time that is a number is seconds        a time without a zone is UTC
 *   in a read, text and number stand for each other, and a number of seconds for a time
 */
import { join } from 'node:path';
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { source } from 'millrace';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isExactNumber, parseExactJson } from '#domain/values/exact-json.ts';
import { scalarOfText } from '#domain/values/scalar-of-text.ts';
import { isTime, looksLikeSeconds, readIsoTime } from '#domain/values/time.ts';
import type { Scalar, ScalarType } from '#domain/values/value.ts';
import { createGrpcGateway, type GrpcGateway } from '#gateways/grpc/gateway.ts';
import { grpcModules } from '#gateways/grpc-modules.ts';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';
import { CASES, definitionsOf, KEY_TYPES, TYPES } from './value-cases.ts';

/** Feast's clients write UTC without a zone. */
const WITHOUT_ZONE = '"2024-02-29T12:00:00"';

/** What a value that is pushed means. */
const feastMeaning = (type: ScalarType, json: string, meaning: Scalar | RegExp) => {
  if (type !== 'timestamp') return meaning;
  if (json === WITHOUT_ZONE) return readIsoTime('2024-02-29T12:00:00Z');
  const value = parseExactJson(json);
  if (typeof value !== 'number') return meaning;
  const ms = value * 1000;
  if (Math.abs(value) >= 1e11) return /too large for epoch seconds/;
  return isTime(ms) ? ms : meaning;
};

/** What a key or a request input of a read means. */
const readMeaning = (type: ScalarType, json: string, meaning: Scalar | RegExp) => {
  if (!(meaning instanceof RegExp)) return meaning;
  const value = parseExactJson(json);
  if (typeof value === 'number') {
    if (type === 'string') return String(value);
    return type === 'timestamp' && looksLikeSeconds(value) ? value * 1000 : meaning;
  }
  const other = typeof value === 'string' ? scalarOfText(type, value) : undefined;
  return type === 'timestamp' ? meaning : (other ?? meaning);
};

interface FeastClient {
  push(
    request: object,
    answered: (error: { readonly details: string } | null, answer: unknown) => void,
  ): void;
  close(): void;
}

let running: TestPlatform;
let gateway: HttpGateway;
let grpc: GrpcGateway;
let client: FeastClient;
beforeAll(async () => {
  running = await testPlatform();
  const { platform } = running;
  const lists = source({
    name: 'lists',
    fields: { ts: 'timestamp', v: 'array<timestamp>' },
    eventTime: 'ts',
  });
  await platform.registry.apply(plain(lists, ...TYPES.flatMap(definitionsOf)), {}, caller);
  gateway = await createHttpGateway({ modules: httpModules(), platform, port: 0 });
  grpc = await createGrpcGateway({
    modules: grpcModules('exact', 'millrace 1'),
    platform,
    port: 0,
  });
  const protos = join(import.meta.dirname, '../../gateways/feast/protos');
  const loaded = loadPackageDefinition(
    loadSync('feast/serving/GrpcServer.proto', { includeDirs: [protos] }),
  ) as unknown as { GrpcFeatureServer: new (address: string, as: object) => FeastClient };
  client = new loaded.GrpcFeatureServer(grpc.address, credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await grpc.close();
  await gateway.close();
  await running.dispose();
});

const post = async (path: string, body: string): Promise<{ status: number; text: string }> => {
  const answer = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  return { status: answer.status, text: await answer.text() };
};

type Outcome = { readonly value: unknown } | { readonly refused: string };

/** As a native read shows it: Feast's own answers have times without milliseconds. */
const valueRead = async (type: ScalarType, id: string): Promise<Outcome> => {
  const body = `{"features":["values_${type}:v"],"entities":[{"id":"${id}"}]}`;
  const { rows } = JSON.parse((await post('/v1/features', body)).text) as {
    readonly rows: readonly { readonly v: unknown }[];
  };
  return { value: rows[0]?.v };
};

let ids = 0;

const pushed = async (type: ScalarType, json: string): Promise<Outcome> => {
  const id = `h${ids++}`;
  const df = `{"event_timestamp":["2026-01-01 00:00:00"],"id":["${id}"],"v":[${json}]}`;
  const { status, text } = await post('/push', `{"push_source_name":"s_${type}","df":${df}}`);
  return status === 200
    ? valueRead(type, id)
    : { refused: JSON.parse(text).detail?.[0]?.msg ?? text };
};

const pushedText = (type: ScalarType, value: string): Promise<Outcome> => {
  const id = `g${ids++}`;
  const features = { event_timestamp: '2026-01-01 00:00:00', id, v: value };
  return new Promise((resolve) => {
    client.push({ features, streamFeatureView: `s_${type}` }, (error) =>
      resolve(error === null ? valueRead(type, id) : { refused: error.details }),
    );
  });
};

const expectOutcome = (json: string, outcome: Outcome, meaning: Scalar | RegExp): void =>
  expect([json, outcome]).toEqual([
    json,
    meaning instanceof RegExp ? { refused: expect.stringMatching(meaning) } : { value: meaning },
  ]);

describe('a push', () => {
  test.each(TYPES)('%s', async (type) => {
    for (const [json, meaning] of CASES[type])
      expectOutcome(json, await pushed(type, json), feastMeaning(type, json, meaning));
  });

  test.each(TYPES)('%s, as text over gRPC', async (type) => {
    for (const [json, meaning] of CASES[type]) {
      const value = parseExactJson(json);
      const isText = typeof value === 'string';
      if (isText && !value.isWellFormed()) continue;
      const text = isText ? value : json;
      const read = type === 'timestamp' && !isText ? undefined : scalarOfText(type, text);
      const expected = isText
        ? feastMeaning(type, json, read === undefined ? meaning : read)
        : type === 'float' && !(meaning instanceof RegExp)
          ? meaning
          : read;
      const outcome = await pushedText(type, text);
      if (expected === undefined || expected instanceof RegExp)
        expect([text, outcome]).toEqual([text, { refused: expect.any(String) }]);
      else expectOutcome(text, outcome, expected);
    }
    // Python's numbers and flags are no others than JSON's.
    for (const text of ['0x10', '007', '1_000', 'NaN'])
      if (['int', 'long', 'float', 'double', 'boolean'].includes(type))
        expect([text, await pushedText(type, text)]).toEqual([
          text,
          { refused: expect.any(String) },
        ]);
  });

  test('times in a list are seconds, as alone', async () => {
    const df = '{"ts":[1767225600],"v":[[1709208000.5,"2024-02-29 12:00:00"]]}';
    expect((await post('/push', `{"push_source_name":"lists","df":${df}}`)).status).toBe(200);
    for await (const [event] of await running.platform.publishing.exportEvents('lists'))
      expect(event).toMatchObject({ v: [1709208000500, 1709208000000] });
  });
});

const online = async (body: string, column: number): Promise<Outcome> => {
  const { status, text } = await post('/get-online-features', body);
  if (status !== 200) return { refused: text.replaceAll('\\"', '"').replaceAll('\\"', '"') };
  const { results } = JSON.parse(text) as {
    readonly results: readonly { readonly values: readonly unknown[] }[];
  };
  return { value: results[column]?.values[0] };
};

/** Reads' refusals name the value as it came, or in the other form. */
const namesValue = (json: string, outcome: Outcome): void => {
  const value = parseExactJson(json);
  const digits = isExactNumber(value)
    ? value.rawJSON
    : typeof value === 'string' && !value.isWellFormed()
      ? 'ud800'
      : String(value);
  expect([json, outcome]).toEqual([json, { refused: expect.stringContaining(digits) }]);
};

describe('a read', () => {
  test.each(KEY_TYPES)('%s as a key', async (type) => {
    for (const [json, meaning] of CASES[type]) {
      const expected = readMeaning(type, json, meaning);
      const body = `{"features":["keys_${type}:n"],"entities":{"v":[${json}]}}`;
      if (expected instanceof RegExp) {
        namesValue(json, await online(body, 1));
        continue;
      }
      const event = { ts: '2026-01-01T00:00:00Z', id: 'key', v: expected };
      const kept =
        type === 'timestamp' ? { ...event, v: new Date(expected as number).toISOString() } : event;
      const sent = await running.platform.publishing.publish(
        { source: `s_${type}`, events: [kept], untilReadable: true },
        caller,
      );
      expect([json, sent.rejected]).toEqual([json, []]);
      const { value } = (await online(body, 1)) as { readonly value: number };
      expect(value, `the entity of the event with ${json} is found`).toBeGreaterThan(0);
    }
  });

  test.each(TYPES)('%s as a request input', async (type) => {
    for (const [json, meaning] of CASES[type]) {
      const expected = readMeaning(type, json, meaning);
      const body = `{"features":["input_${type}"],"entities":{"r":[${json}]}}`;
      const outcome = await online(body, 0);
      if (expected instanceof RegExp) namesValue(json, outcome);
      else
        expectOutcome(
          json,
          outcome,
          type === 'timestamp' ? Math.floor((expected as number) / 1000) : expected,
        );
    }
  });
});
