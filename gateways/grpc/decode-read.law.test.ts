/**
 * Requests that are read by hand are those that the proto reads, whatever came before; bytes that
 * are none are refused, and do no harm.
 */
import type { MethodDefinition } from '@grpc/grpc-js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MillraceError } from '#domain/errors.ts';
import { looksLikeSeconds } from '#domain/values/time.ts';
import { createReadRequestDecoder } from './decode-read.ts';
import type { ReadRequest__Output } from './generated/millrace/v1/ReadRequest.ts';
import { nativeProtos } from './native-protos.ts';
import { serviceOf } from './protos.ts';
import { plainRowOf, structOf } from './struct.ts';

const { requestSerialize, requestDeserialize } = serviceOf(nativeProtos, 'millrace.v1.Features')
  .Read as MethodDefinition<object, object>;

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    text,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  ),
}));
const row = fc.dictionary(fc.oneof(text, fc.constant('driver_id')), value, { maxKeys: 4 });
/** Few lists, so that they come again, and begin as others do. */
const feature = fc.constantFrom('drivers:f0', 'drivers:f1', 'drivers:f2', 'é:ü', '');
const time = fc.integer({ min: -4e12, max: 4e12 }).filter((ms) => !looksLikeSeconds(ms));
const request = fc.record(
  {
    service: fc.constantFrom('', 'model'),
    features: fc.array(feature, { maxLength: 5 }),
    entities: fc.array(row, { maxLength: 5 }),
    request: fc.array(row, { maxLength: 2 }),
    at: time,
    known: time,
    after: fc.constantFrom('', 'raw.rows/0@7'),
  },
  { requiredKeys: ['features', 'entities'] },
);
type Given = typeof request extends fc.Arbitrary<infer T> ? T : never;

const bytesOf = ({ entities, request: inputs, ...rest }: Given): Buffer =>
  requestSerialize({
    ...rest,
    entities: entities.map(structOf),
    ...(inputs === undefined ? {} : { request: inputs.map(structOf) }),
  });

/** By protobuf's own objects. */
const byProto = (bytes: Buffer): object => {
  const read = requestDeserialize(bytes) as ReadRequest__Output;
  return {
    ...(read.service === '' ? {} : { service: read.service }),
    ...(read.features.length === 0 && read.service !== '' ? {} : { features: read.features }),
    entities: read.entities.map(plainRowOf),
    ...(read.request.length === 0 ? {} : { request: read.request.map(plainRowOf) }),
    ...(read._at === undefined ? {} : { at: Number(read.at) }),
    ...(read._known === undefined ? {} : { known: Number(read.known) }),
    ...(read.after === '' ? {} : { after: read.after }),
  };
};

test('as the proto reads them, one after the other by one decoder', () => {
  const decode = createReadRequestDecoder();
  fc.assert(
    fc.property(request, (given) => {
      const bytes = bytesOf(given);
      expect(decode(bytes)).toEqual(byProto(bytes));
    }),
    { numRuns: 500 },
  );
});

test('fields in any order, features apart, fields of tomorrow', () => {
  const decode = createReadRequestDecoder();
  const later = Buffer.from([
    0x7a,
    2,
    1,
    2,
    0x80,
    1,
    5,
    0x81,
    1,
    ...new Array(8).fill(9),
    0x85,
    1,
    1,
    2,
    3,
    4,
  ]);
  fc.assert(
    fc.property(request, request, (a, b) => {
      const bytes = Buffer.concat([bytesOf(a), later, bytesOf({ ...b, service: '' })]);
      expect(decode(bytes)).toEqual(byProto(bytes));
    }),
    { numRuns: 300 },
  );
});

const refusedOrRead = (decode: (bytes: Buffer) => object, bytes: Buffer): void => {
  try {
    decode(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(MillraceError);
    expect(['MR_BODY_INVALID', 'MR_TIME_INVALID']).toContain((error as MillraceError).code);
  }
};

test('what is cut off or changed is refused in our words, or read', () => {
  const decode = createReadRequestDecoder();
  fc.assert(
    fc.property(request, fc.nat(), fc.nat(255), (given, place, byte) => {
      const bytes = bytesOf(given);
      const at = bytes.length === 0 ? 0 : place % bytes.length;
      refusedOrRead(decode, bytes.subarray(0, at));
      const changed = Buffer.from(bytes);
      changed[at] = byte;
      refusedOrRead(decode, changed);
      // And leaves nothing behind.
      expect(decode(bytes)).toEqual(byProto(bytes));
    }),
    { numRuns: 300 },
  );
});

/** A field of bytes. */
const field = (number: number, bytes: Buffer): Buffer => {
  const head = [(number << 3) | 2];
  let rest = bytes.length;
  for (; rest > 127; rest >>>= 7) head.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([...head, rest]), bytes]);
};
const entityOf = (key: string, ofValue: Buffer): Buffer =>
  field(3, field(1, Buffer.concat([field(1, Buffer.from(key)), field(2, ofValue)])));
const YES = Buffer.from([0x20, 1]);

test('a key of any name is a key', () => {
  const struct = field(5, field(1, Buffer.concat([field(1, Buffer.from('admin')), field(2, YES)])));
  const [row] = createReadRequestDecoder()(entityOf('__proto__', struct)).entities;
  expect(Object.keys(row as object)).toEqual(['__proto__']);
  expect((row as { admin?: unknown }).admin).toBeUndefined();
});

test.each([
  [10, true],
  [5_000, false],
])('nested %d deep', (depth, fine) => {
  let nested: Buffer = YES;
  for (let i = 0; i < depth; i++) nested = field(6, field(1, nested));
  const read = (): unknown => createReadRequestDecoder()(entityOf('k', nested)).entities;
  if (fine) expect(JSON.stringify(read())).toContain(`${'['.repeat(depth)}true`);
  else expect(read).toThrow(expect.objectContaining({ code: 'MR_BODY_INVALID' }));
});
