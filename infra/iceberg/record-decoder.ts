/**
 * Decodes Avro records into columns: compiled once for each schema, one closure for each field.
 *
 * Scalars and strings are copied from the record's bytes to the column without becoming objects;
 * what a table stores as a list or as JSON is decoded into plain data first. A law test compares
 * the result with avsc's.
 */
import type { DuckDBValue } from '@duckdb/node-api';
import { DuckDBBlobValue, DuckDBDateValue, DuckDBTimestampTZValue } from '@duckdb/node-api';
import {
  brokenRecord,
  type Cursor,
  emptyCursor,
  finish,
  type AvroNames as Names,
  pointAt,
  readBoolean,
  readDouble,
  plainReader as reader,
  readFloat,
  readLong,
  readSecond,
  resolveNamed as resolve,
  skipBytes,
} from '#domain/avro/reader.ts';
import type { ColumnWriter } from '#infra/shared/duckdb/column-parts.ts';
import { type AvroRecord, columnType, withoutNull } from '#infra/shared/iceberg/schema.ts';

type Sink = (c: Cursor, row: number) => void;

const listElement = (type: string, perMs: number): ((value: unknown) => DuckDBValue) => {
  switch (type) {
    case 'timestamptz':
      return (value) =>
        new DuckDBTimestampTZValue(BigInt(Math.round((value as number) * (1000 / perMs))));
    case 'date':
      return (value) => new DuckDBDateValue(value as number);
    case 'long':
      return (value) => BigInt(value as number);
    case 'binary':
      return (value) => new DuckDBBlobValue(Buffer.from(value as string, 'base64'));
    default:
      return (value) => value as DuckDBValue;
  }
};

/** The timestamp's units in a millisecond. */
const unitsPerMs = (schema: unknown): number =>
  (schema as { logicalType?: string }).logicalType === 'timestamp-micros' ? 1000 : 1;

const valueSink = (avro: unknown, column: ColumnWriter, names: Names): Sink => {
  const schema = resolve(avro, names);
  const type = columnType(schema);
  const avroType = typeof schema === 'string' ? schema : (schema as { type: string }).type;
  if (type === null) {
    const read = reader(schema, names);
    return (c, row) => {
      const json = Buffer.from(JSON.stringify(read(c)));
      column.setBytes(row, json, 0, json.length);
    };
  }
  if (avroType === 'enum') {
    const symbols = (schema as { symbols: string[] }).symbols.map((symbol) => Buffer.from(symbol));
    return (c, row) => {
      const symbol = symbols[readLong(c)] ?? brokenRecord('an enum has no such symbol');
      column.setBytes(row, symbol, 0, symbol.length);
    };
  }
  if (type.startsWith('list<')) {
    const read = reader(schema, names);
    const item = withoutNull((schema as { items: unknown }).items)?.type;
    const element = listElement(type.slice(5, -1), unitsPerMs(item));
    return (c, row) =>
      column.setList(
        row,
        (read(c) as unknown[]).map((value) => (value === null ? null : element(value))),
      );
  }
  if (type === 'string' || type === 'binary') {
    return (c, row) => {
      const start = skipBytes(c);
      column.setBytes(row, c.bytes, start, c.at);
    };
  }
  if (type === 'double') return (c, row) => column.setNumber(row, readDouble(c));
  if (type === 'float') return (c, row) => column.setNumber(row, readFloat(c));
  if (type === 'boolean') return (c, row) => column.setNumber(row, readBoolean(c) ? 1 : 0);
  const units = unitsPerMs(schema);
  if (units !== 1) return (c, row) => column.setNumber(row, Math.floor(readLong(c) / units));
  return (c, row) => column.setNumber(row, readLong(c));
};

const fieldSink = (avro: unknown, column: ColumnWriter, names: Names): Sink => {
  if (!Array.isArray(avro)) return valueSink(avro, column, names);
  if (withoutNull(avro) === null) {
    const read = reader(avro, names);
    return (c, row) => {
      const value = read(c);
      if (value === null) return column.setNull(row);
      const json = Buffer.from(JSON.stringify(value));
      column.setBytes(row, json, 0, json.length);
    };
  }
  const sinks = avro.map(
    (branch): Sink =>
      branch === 'null' ? (_, row) => column.setNull(row) : valueSink(branch, column, names),
  );
  if (sinks.length !== 2)
    return (c, row) => (sinks[readLong(c)] ?? brokenRecord('a union has no such branch'))(c, row);
  const [first, second] = sinks as [Sink, Sink];
  return (c, row) => (readSecond(c) ? second(c, row) : first(c, row));
};

export type RecordDecoder = (record: Uint8Array, row: number) => void;

/** @param columns the table's columns by name: null where the schema has no field for one */
export const recordDecoder = (
  schema: object,
  columns: ReadonlyMap<string, ColumnWriter>,
): RecordDecoder => {
  const { fields, name } = schema as AvroRecord;
  const names: Names = new Map([[name, schema]]);
  const sinks = fields.map((field) =>
    fieldSink(field.type, columns.get(field.name) as ColumnWriter, names),
  );
  const present = new Set(fields.map((field) => field.name));
  const absent = [...columns]
    .filter(([column]) => !present.has(column))
    .map(([, writer]) => writer);
  const cursor = emptyCursor();
  return (record, row) => {
    pointAt(cursor, record);
    for (let i = 0; i < sinks.length; i++) (sinks[i] as Sink)(cursor, row);
    finish(cursor, name);
    for (let i = 0; i < absent.length; i++) (absent[i] as ColumnWriter).setNull(row);
  };
};
