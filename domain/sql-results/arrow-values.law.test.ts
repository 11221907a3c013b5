/** What is written as Arrow is read back the same, by its types. */
import { RecordBatchReader } from 'apache-arrow';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arrowStream } from './arrow-stream.ts';
import { arrowReader, decimalText } from './arrow-values.ts';
import type { SqlColumn, SqlType, SqlValue } from './sql-type.ts';

const form = (name: Exclude<SqlType['form'], 'list' | 'struct'>, text: string = name): SqlType => ({
  form: name,
  name: text,
});

interface Drawn {
  readonly type: SqlType;
  readonly values: readonly SqlValue[];
}

const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const wide = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });

const SCALARS: readonly (readonly [SqlType, fc.Arbitrary<SqlValue>])[] = [
  [form('boolean'), fc.boolean()],
  [form('int'), fc.integer()],
  [form('long'), long],
  [form('float'), fc.float({ noNaN: true })],
  [form('double'), fc.double({ noNaN: true })],
  [form('decimal', 'decimal(38,3)'), wide.map((whole) => decimalText(whole, 3))],
  [form('decimal', 'decimal(38,0)'), wide.map(String)],
  [form('string'), fc.string({ unit: 'grapheme' })],
  [form('bytes'), fc.uint8Array()],
  [form('date'), fc.integer({ min: -100_000, max: 100_000 })],
  [form('timestamp'), fc.bigInt({ min: -(2n ** 60n), max: 2n ** 60n })],
];

const scalar = fc.constantFrom(...SCALARS);

const columnOf = (rows: number): fc.Arbitrary<Drawn> => {
  const filled = (type: SqlType, value: fc.Arbitrary<SqlValue>): fc.Arbitrary<Drawn> =>
    fc
      .array(fc.option(value, { nil: null }), { minLength: rows, maxLength: rows })
      .map((values) => ({ type, values }));
  return fc.oneof(
    scalar.chain(([type, value]) => filled(type, value)),
    scalar.chain(([element, value]) =>
      filled(
        { form: 'list', name: `array<${element.name}>`, element },
        fc.array(fc.option(value, { nil: null }), { maxLength: 3 }),
      ),
    ),
    fc.tuple(scalar, scalar).chain(([[a, x], [b, y]]) =>
      filled(
        {
          form: 'struct',
          name: `struct<a ${a.name}, b ${b.name}>`,
          fields: [
            { name: 'a', type: a },
            { name: 'b', type: b },
          ],
        },
        fc.tuple(fc.option(x, { nil: null }), y),
      ),
    ),
  );
};

const drawn = fc
  .integer({ min: 1, max: 5 })
  .chain((rows) => fc.array(columnOf(rows), { minLength: 1, maxLength: 4 }));

test('values go through Arrow without a change', async () => {
  await fc.assert(
    fc.asyncProperty(drawn, async (all) => {
      const columns: SqlColumn[] = all.map(({ type }, i) => ({ name: `c${i}`, type }));
      const batch = {
        rows: all[0]?.values.length ?? 0,
        columns: all.map(({ values }) => values),
      };
      const parts: Uint8Array[] = [];
      for await (const part of arrowStream(
        columns,
        (async function* () {
          yield batch;
        })(),
      ))
        parts.push(part);
      const reader = RecordBatchReader.from(Buffer.concat(parts)).open();
      const { columns: read, read: values } = arrowReader(reader.schema);
      expect(read).toEqual(columns);
      expect([...reader].map(values)).toEqual([batch]);
    }),
  );
});

test.each([
  [1230n, 2, '12.30'],
  [-5n, 3, '-0.005'],
  [0n, 0, '0'],
  [-7n, 0, '-7'],
])('%s with %i places is %s', (whole, places, text) => {
  expect(decimalText(whole, places)).toBe(text);
});
