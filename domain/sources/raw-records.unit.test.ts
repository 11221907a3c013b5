/** Rows of the history become records that decode to the same rows. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { Row } from '#domain/values/value.ts';
import { rawCodec } from './raw-codec.ts';
import { rowEncoder } from './raw-records.ts';
import { rawAvroSchema } from './source-schema.ts';

const source = (fields: SourceDefinition['fields']): SourceDefinition => ({
  kind: 'source',
  name: 's',
  fields,
  eventTime: 't',
});

/** Each revision, and rows that it could write; changes that need `force` are among them. */
const REVISIONS: readonly (readonly [SourceDefinition, fc.Arbitrary<Row>])[] = [
  [
    source({ t: 'timestamp', n: 'int?', f: 'array<float>?', gone: 'string?' }),
    fc.record({
      t: fc.integer(),
      n: fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
      f: fc.option(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }))),
      gone: fc.option(fc.string()),
    }),
  ],
  [
    source({ t: 'timestamp', n: 'long?', f: 'array<float>?' }),
    fc.record({
      t: fc.integer(),
      n: fc.option(fc.maxSafeInteger()),
      f: fc.option(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }))),
    }),
  ],
  [
    source({ t: 'timestamp', n: 'double?', f: 'array<double>?', b: 'bytes?' }),
    fc.record({
      t: fc.integer(),
      n: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
      f: fc.option(fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }))),
      b: fc.option(fc.constantFrom('', 'AP8B')),
    }),
  ],
  [
    source({ t: 'timestamp', n: 'double', f: 'array<double>?', b: 'bytes?' }),
    fc.record({
      t: fc.integer(),
      n: fc.double({ noNaN: true, noDefaultInfinity: true }),
      f: fc.option(fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }))),
      b: fc.option(fc.constantFrom('', 'AP8B')),
    }),
  ],
];
const COLUMNS = ['t', 'n', 'f', 'gone', 'b'];

const schemas = {
  versions: async () => REVISIONS.map((_, i) => ({ id: i + 1, version: i + 1 })),
  schema: async (id: number) => rawAvroSchema((REVISIONS[id - 1] as (typeof REVISIONS)[number])[0]),
};

test('a row of any version decodes as itself, by the newest version that has its values', async () => {
  const encode = await rowEncoder(schemas, 's');
  const written = fc.oneof(...REVISIONS.map(([, rows]) => rows));
  fc.assert(
    fc.property(written, (row) => {
      const stored = Object.fromEntries(COLUMNS.map((name) => [name, row[name] ?? null]));
      const { schemaId, value } = encode(stored);
      const [by] = REVISIONS[schemaId - 1] as (typeof REVISIONS)[number];
      const decoded = rawCodec(by).decode(value);
      expect({ ...Object.fromEntries(COLUMNS.map((name) => [name, null])), ...decoded }).toEqual(
        stored,
      );
    }),
    { numRuns: 500 },
  );
  expect(encode({ t: 1, n: 0.5, f: null, gone: null, b: null }).schemaId).toBe(4);
  expect(encode({ t: 1, n: null, f: null, gone: null, b: null }).schemaId).toBe(3);
  expect(encode({ t: 1, n: 1, f: null, gone: 'x', b: null }).schemaId).toBe(1);
});

test('a row that no version can have written is damage', async () => {
  const encode = await rowEncoder(schemas, 's');
  expect(() => encode({ t: 1, n: 0.5, f: null, gone: 'x', b: null })).toThrow(
    'no version of the source',
  );
});
