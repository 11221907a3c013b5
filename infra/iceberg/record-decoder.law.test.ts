/** The decoder of columns against avsc: for any record, what lands in DuckDB is what avsc reads. */
import avro from 'avsc';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DuckDb, openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { columnReader } from '#infra/shared/iceberg/result-columns.ts';
import { evolve, icebergSchemaFromAvro, META_COLUMNS } from '#infra/shared/iceberg/schema.ts';
import { pendingRows } from './pending-rows.ts';

const SCHEMA = {
  type: 'record',
  name: 'any',
  fields: [
    { name: 'i', type: 'int' },
    { name: 'l', type: ['null', 'long'] },
    { name: 'd', type: ['double', 'null'] },
    { name: 'f', type: 'float' },
    { name: 'b', type: ['null', 'boolean'] },
    { name: 's', type: 'string' },
    { name: 'e', type: { type: 'enum', name: 'letter', symbols: ['A', 'B'] } },
    { name: 'ls', type: { type: 'array', items: ['null', 'string'] } },
    { name: 'll', type: ['null', { type: 'array', items: 'long' }] },
    {
      name: 'm',
      type: {
        type: 'map',
        values: {
          type: 'record',
          name: 'inner',
          fields: [
            { name: 'x', type: ['null', 'string', 'long'] },
            { name: 'again', type: ['null', 'letter'] },
          ],
        },
      },
    },
  ],
};
const long = fc.oneof(
  fc.integer({ min: -(2 ** 52), max: 2 ** 53 - 2 }),
  fc.integer({ min: -200, max: 200 }),
);
const text = fc.string({ unit: 'grapheme', maxLength: 30 });
const record = fc.record({
  i: fc.integer(),
  l: fc.option(long),
  d: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
  f: fc.float({ noNaN: true, noDefaultInfinity: true }),
  b: fc.option(fc.boolean()),
  s: text,
  e: fc.constantFrom('A', 'B'),
  ls: fc.array(fc.option(text), { maxLength: 4 }),
  ll: fc.option(fc.array(long, { maxLength: 4 })),
  m: fc.dictionary(
    text.filter((key) => key !== '__proto__'),
    fc.record({
      x: fc.oneof(fc.constant(null), text, long),
      again: fc.option(fc.constantFrom('A', 'B')),
    }),
    { maxKeys: 3 },
  ),
});

let duckDb: DuckDb;
beforeAll(async () => {
  duckDb = await openDuckDb();
});
afterAll(() => duckDb.close());

it('reads what avsc reads', async () => {
  const type = avro.Type.forSchema(SCHEMA as avro.Schema);
  const { fields } = evolve('any', [], 0, [...icebergSchemaFromAvro(SCHEMA), ...META_COLUMNS]);
  const connection = await duckDb.connect();
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 20 }), async (records) => {
      const rows = await pendingRows(connection, fields);
      const bytes = records.map((value) => type.toBuffer(value));
      for (const [offset, value] of bytes.entries())
        rows.add(
          { topic: 't', partition: 3, key: null, value, schemaId: 1, offset, logTime: 5 },
          SCHEMA,
        );
      rows.flush();
      const chunk = (await (
        await connection.run(`SELECT * FROM ${rows.relation} ORDER BY _offset`)
      ).fetchChunk()) as never;
      const columns = fields.map((field, i) => columnReader(field, true)(chunk, i));
      await rows.drop();
      const read = records.map((_, row) =>
        Object.fromEntries(fields.map(({ name }, i) => [name, columns[i]?.[row]])),
      );
      const expected = bytes.map((value, offset) => ({
        ...JSON.parse(JSON.stringify(type.fromBuffer(value))),
        _partition: 3,
        _offset: offset,
        _log_time: 5,
      }));
      expect(JSON.parse(JSON.stringify(read))).toEqual(expected);
    }),
    { numRuns: 100 },
  );
});
