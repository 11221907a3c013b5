/** Strings and blobs of all lengths are in DuckDB what was set, in each chunk of a writer. */
import { type DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ColumnWriter } from './column-parts.ts';
import { columnWriter } from './column-writer.ts';
import { openDuckDb } from './connect.ts';
import { setPointer } from './string-heap.ts';

type Row = string | null;

let connection: DuckDBConnection;
let close: () => void;
beforeAll(async () => {
  const duckDb = await openDuckDb();
  connection = await duckDb.connect();
  close = () => {
    connection.closeSync();
    duckDb.close();
  };
});
afterAll(() => close());

const utf8 = new TextEncoder();

const readBack = async (
  type: 'string' | 'binary',
  chunks: readonly (readonly Row[])[],
  set: (writer: ColumnWriter, row: number, text: string) => void,
): Promise<readonly Row[]> => {
  const writer = columnWriter(type);
  await connection.run(`CREATE OR REPLACE TABLE t (c ${writer.type})`);
  const appender = await connection.createAppender('t');
  for (const rows of chunks) {
    if (rows.length === 0) continue;
    rows.forEach((text, row) => {
      if (text === null) writer.setNull(row);
      else set(writer, row, text);
    });
    const chunk = DuckDBDataChunk.create([writer.type], rows.length);
    writer.flush(chunk, 0);
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
  const read = await connection.runAndReadAll(
    `SELECT hex(${type === 'string' ? 'encode(c)' : 'c'}) FROM t`,
  );
  return read
    .getRows()
    .map(([hex]) => (hex === null ? null : Buffer.from(String(hex), 'hex').toString()));
};

const text = fc.option(
  fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 30 }),
    fc.integer({ min: 11, max: 14 }).map((n) => 'x'.repeat(n)),
    fc.constantFrom(
      '',
      '\0',
      'é'.repeat(6),
      'é'.repeat(7),
      '\uFEFFabc',
      'z'.repeat(16_385),
      'ü'.repeat(9_000),
    ),
  ),
  { freq: 9 },
);
const chunks = fc.array(fc.array(text, { maxLength: 40 }), { maxLength: 3 });

describe.each(['string', 'binary'] as const)('a column of type %s', (type) => {
  test('has the bytes that were set', async () => {
    await fc.assert(
      fc.asyncProperty(chunks, async (rows) => {
        const back = await readBack(type, rows, (writer, row, one) => {
          const bytes = utf8.encode(`<${one}>`);
          writer.setBytes(row, bytes, 1, bytes.length - 1);
          bytes.fill(0);
        });
        expect(back).toEqual(rows.flat());
      }),
      { numRuns: 60 },
    );
  });
});

test('texts, in full chunks', async () => {
  await fc.assert(
    fc.asyncProperty(chunks, async (rows) => {
      expect(
        await readBack('string', rows, (writer, row, one) => writer.setText(row, one)),
      ).toEqual(rows.flat());
    }),
    { numRuns: 60 },
  );
  const full = [0, 1].map((chunk) =>
    Array.from({ length: 2048 }, (_, i) => `${chunk} ${'long '.repeat(i % 90)}${i}`),
  );
  expect(await readBack('string', full, (writer, row, one) => writer.setText(row, one))).toEqual(
    full.flat(),
  );
});

test('bytes that are not UTF-8 are null, and harm no other row', async () => {
  const good = ['a longer text than twelve bytes', 'short', 'another text of more bytes'];
  const back = await readBack('string', [[...good, 'bad', ...good]], (writer, row, one) => {
    const bytes = one === 'bad' ? new Uint8Array(20).fill(0xff) : utf8.encode(one);
    writer.setBytes(row, bytes, 0, bytes.length);
  });
  expect(back).toEqual([...good, null, ...good]);
});

test('a pointer has its carry', () => {
  const pointer = fc.bigInt({ min: 0n, max: 2n ** 47n });
  const near = pointer.map((one) => (one | 0xffff_ff00n) & (2n ** 47n - 1n));
  fc.assert(
    fc.property(fc.oneof(pointer, near), fc.nat(0x1_0000), (base, offset) => {
      const words = new Uint32Array(2);
      setPointer(words, 0, Number(base & 0xffff_ffffn), Number(base >> 32n), offset);
      const [low, high] = words as unknown as readonly [number, number];
      expect((BigInt(high) << 32n) + BigInt(low)).toBe(base + BigInt(offset));
    }),
  );
});
