/**
 * A row of the feature log reads back as the row that was answered, and the sample depends on the
 * request id only.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { avroCodec } from '#domain/avro/codec.ts';
import type { FeatureStatus } from '#domain/plan/plan.ts';
import { SCALAR_TYPES } from '#domain/values/field-type.ts';
import type { FieldType, ScalarType, Value } from '#domain/values/value.ts';
import {
  type FeatureLogColumns,
  type FeatureLogEntry,
  featureLogCodec,
  featureLogRowOf,
} from './feature-log-record.ts';
import { isSampled, placeOf } from './sampled.ts';

const safe = fc.maxSafeInteger();
const SCALARS: Readonly<Record<ScalarType, fc.Arbitrary<Value>>> = {
  string: fc.string({ unit: 'grapheme' }),
  int: fc.integer(),
  long: safe,
  float: fc.float({ noNaN: true, noDefaultInfinity: true }),
  double: fc.double({ noNaN: true, noDefaultInfinity: true }),
  boolean: fc.boolean(),
  timestamp: fc.integer({ min: -1e13, max: 1e13 }),
  date: fc.integer({ min: -1e6, max: 1e6 }),
  bytes: fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes).toString('base64')),
};
const type: fc.Arbitrary<FieldType> = fc.record({
  base: fc.constantFrom(...SCALAR_TYPES),
  array: fc.boolean(),
  nullable: fc.constant(true),
});
const answered = ({ base, array }: FieldType): fc.Arbitrary<Value> =>
  fc.option(array ? fc.array(SCALARS[base], { maxLength: 3 }) : SCALARS[base], { nil: null });
const STATUS: readonly FeatureStatus[] = ['present', 'null', 'not-found', 'expired', 'overflow'];

const served = fc
  .record({
    features: fc.array(type, { minLength: 1, maxLength: 6 }),
    request: fc.array(type, { maxLength: 2 }),
    /** columns of an earlier version, for which this answer has no value */
    former: fc.array(type, { maxLength: 2 }),
  })
  .chain(({ features, request, former }) => {
    const columns: FeatureLogColumns = {
      service: 'model',
      keys: [{ name: 'id', type: { base: 'long', array: false, nullable: false } }],
      request: request.map((of, i) => ({ name: `r${i}`, type: of })),
      features: [...features, ...former].map((of, i) => ({ name: `f${i}`, type: of })),
    };
    return fc.record({
      columns: fc.constant(columns),
      entry: fc.record<FeatureLogEntry>({
        requestId: fc.string(),
        row: fc.nat(),
        rows: fc.nat(),
        actor: fc.string(),
        serviceVersion: fc.integer({ min: 1, max: 99 }),
        sample: fc.double({ min: 0, max: 1, noNaN: true }),
        at: fc.integer({ min: 0, max: 1e13 }),
        known: fc.integer({ min: 0, max: 1e13 }),
        entity: safe.map((id) => ({ id })),
        request: fc
          .tuple(...request.map(answered))
          .map((values) => Object.fromEntries(values.map((value, i) => [`r${i}`, value]))),
        views: fc.constant([
          {
            view: 'v',
            version: 2,
            generation: 3,
            position: 'raw.s@0:7,1:9',
            completeThrough: null,
          },
        ]),
        onDemand: fc.constant([{ name: 'o', version: 4 }]),
        features: fc.constant(features.map((_, i) => `f${i}`)),
        values: fc.tuple(...features.map(answered)),
        status: fc.array(fc.constantFrom(...STATUS), {
          minLength: features.length,
          maxLength: features.length,
        }),
      }),
    });
  });

test('a row is read back as it was answered, without features that it did not have', () => {
  fc.assert(
    fc.property(served, ({ columns, entry }) => {
      const { schema, encode } = featureLogCodec(columns);
      const decoded = avroCodec(schema).fromBuffer(Buffer.from(encode(entry))) as Record<
        string,
        unknown
      >;
      const { features, values, status, ...rest } = entry;
      expect(featureLogRowOf(decoded, { position: 'served.model@0:1', logTime: 5 })).toEqual({
        ...rest,
        position: 'served.model@0:1',
        logTime: 5,
        values: Object.fromEntries(features.map((name, i) => [name, values[i]])),
        status: Object.fromEntries(features.map((name, i) => [name, status[i]])),
      });
    }),
  );
});

test('an answer with a feature that has no column is refused, not truncated', () => {
  const columns: FeatureLogColumns = { service: 'm', keys: [], request: [], features: [] };
  const entry = {
    requestId: 'r',
    row: 0,
    rows: 1,
    actor: 'a',
    serviceVersion: 1,
    sample: 1,
    at: 0,
    known: 0,
  };
  const empty = { entity: {}, request: {}, views: [], onDemand: [] };
  expect(() =>
    featureLogCodec(columns).encode({
      ...entry,
      ...empty,
      features: ['x'],
      values: [1],
      status: ['present'],
    }),
  ).toThrow(/x/);
});

test('the sample has its share of the requests for ids of any form, and a larger share includes a smaller one', () => {
  for (const idOf of [
    (i: number) => `6f9a2c11-${i}`,
    (i: number) => String(i),
    (i: number) => `${'x'.repeat(60)}${i * 7}`,
  ]) {
    const ids = Array.from({ length: 20_000 }, (_, i) => idOf(i));
    for (const share of [0.01, 0.25, 0.5]) {
      const taken = ids.filter((id) => isSampled(id, share)).length / ids.length;
      expect(Math.abs(taken - share)).toBeLessThan(0.02);
    }
    expect(ids.some((id) => isSampled(id, 0))).toBe(false);
    expect(ids.every((id) => isSampled(id, 1))).toBe(true);
    expect(ids.every((id) => !isSampled(id, 0.1) || isSampled(id, 0.2))).toBe(true);
  }
  // every process of every version must agree
  expect(placeOf('6f9a2c11-42')).toBe(0.1082673326600343);
});
