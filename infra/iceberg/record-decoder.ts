/**
 * Avro records straight into columns: compiled once a schema, one closure a field.
 *
 * Scalars and strings go from the record's bytes to the column without becoming objects; what a table keeps as a list or as
 * JSON is decoded into plain data first. A law test holds it to avsc's answers.
 */
import type { DuckDBValue } from '@duckdb/node-api';
import { DuckDBBlobValue, DuckDBDateValue, DuckDBTimestampTZValue } from '@duckdb/node-api';
import type { ColumnWriter } from '#infra/duckdb/column-writer.ts';
import { type AvroRecord, columnType, withoutNull } from './schema.ts';

interface Cursor {
  bytes: Uint8Array;
  view: DataView;
  at: number;
}

const LOW_BITS = 268435456; // 2^28

const readLong = (c: Cursor): number => {
  const { bytes } = c;
  let byte = bytes[c.at++] as number;
  if (byte < 128) return (byte >>> 1) ^ -(byte & 1);
  let low = byte & 127;
  let shift = 7;
  do {
    byte = bytes[c.at++] as number;
    low |= (byte & 127) << shift;
    shift += 7;
  } while (byte > 127 && shift < 28);
  let high = 0;
  if (byte > 127) {
    let scale = 1;
    do {
      byte = bytes[c.at++] as number;
      high += (byte & 127) * scale;
      scale *= 128;
    } while (byte > 127);
  }
  const half = high * (LOW_BITS / 2) + (low >>> 1);
  return (low & 1) === 0 ? half : -half - 1;
};

const readBytes = (c: Cursor): Uint8Array => {
  const length = readLong(c);
  c.at += length;
  return c.bytes.subarray(c.at - length, c.at);
};
const readFloat = (c: Cursor): number => {
  c.at += 4;
  return c.view.getFloat32(c.at - 4, true);
};
const readDouble = (c: Cursor): number => {
  c.at += 8;
  return c.view.getFloat64(c.at - 8, true);
};
const readBoolean = (c: Cursor): boolean => c.bytes[c.at++] === 1;
const readString = (c: Cursor): string => {
  const { buffer, byteOffset, byteLength } = readBytes(c);
  return Buffer.from(buffer, byteOffset, byteLength).toString('utf8');
};
const readBase64 = (c: Cursor): string => Buffer.from(readBytes(c)).toString('base64');

type Read = (c: Cursor) => unknown;
type Names = Map<string, unknown>;

/** Blocks of an array or map: a negative count is followed by the block's size. */
const readBlocks = (c: Cursor, item: () => void): void => {
  for (let count = readLong(c); count !== 0; count = readLong(c)) {
    if (count < 0) readLong(c);
    for (let i = Math.abs(count); i > 0; i--) item();
  }
};

const resolve = (avro: unknown, names: Names): unknown => {
  if (typeof avro === 'string') return names.get(avro) ?? avro;
  const { name, type } = avro as { name?: string; type?: unknown };
  if (name !== undefined) names.set(name, avro);
  return typeof type === 'object' && type !== null ? resolve(type, names) : avro;
};

/** Plain data: bytes as base64, timestamps as the number that was written. */
const reader = (avro: unknown, names: Names): Read => {
  if (Array.isArray(avro)) {
    const branches = avro.map((branch) => reader(branch, names));
    return (c) => (branches[readLong(c)] as Read)(c);
  }
  const schema = resolve(avro, names);
  const type = typeof schema === 'string' ? schema : (schema as { type: string }).type;
  const complex = schema as { fields: AvroRecord['fields']; items: unknown; values: unknown; symbols: string[]; size: number };
  switch (type) {
    case 'null':
      return () => null;
    case 'int':
    case 'long':
      return readLong;
    case 'float':
      return readFloat;
    case 'double':
      return readDouble;
    case 'boolean':
      return readBoolean;
    case 'string':
      return readString;
    case 'bytes':
      return readBase64;
    case 'enum':
      return (c) => complex.symbols[readLong(c)];
    case 'fixed':
      return (c) => Buffer.from(c.bytes.subarray(c.at, (c.at += complex.size))).toString('base64');
    case 'array': {
      const item = reader(complex.items, names);
      return (c) => {
        const items: unknown[] = [];
        readBlocks(c, () => items.push(item(c)));
        return items;
      };
    }
    case 'map': {
      const value = reader(complex.values, names);
      return (c) => {
        const entries: [string, unknown][] = [];
        readBlocks(c, () => entries.push([readString(c), value(c)]));
        return Object.fromEntries(entries);
      };
    }
    case 'record': {
      const fields = complex.fields.map((field) => [field.name, reader(field.type, names)] as const);
      return (c) => Object.fromEntries(fields.map(([name, read]) => [name, read(c)]));
    }
    default:
      throw new TypeError(`an Avro schema has a type that is not known: ${JSON.stringify(avro)}`);
  }
};

type Sink = (c: Cursor, row: number) => void;

const listElement = (type: string, perMs: number): ((value: unknown) => DuckDBValue) => {
  switch (type) {
    case 'timestamptz':
      return (value) => new DuckDBTimestampTZValue(BigInt(Math.round((value as number) * (1000 / perMs))));
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

/** Avro's units in a millisecond: what timestamps are divided by. */
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
      const symbol = symbols[readLong(c)] as Buffer;
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
      const length = readLong(c);
      const start = c.at;
      c.at = start + length;
      column.setBytes(row, c.bytes, start, c.at);
    };
  }
  if (type === 'double') return (c, row) => column.setNumber(row, readDouble(c));
  if (type === 'float') return (c, row) => column.setNumber(row, readFloat(c));
  if (type === 'boolean') return (c, row) => column.setNumber(row, c.bytes[c.at++] as number);
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
    (branch): Sink => (branch === 'null' ? (_, row) => column.setNull(row) : valueSink(branch, column, names)),
  );
  if (sinks.length !== 2) return (c, row) => (sinks[readLong(c)] as Sink)(c, row);
  const [first, second] = sinks as [Sink, Sink];
  return (c, row) => (c.bytes[c.at++] === 0 ? first(c, row) : second(c, row));
};

export type RecordDecoder = (record: Uint8Array, row: number) => void;

/** @param columns the table's columns by name: those that the schema has no field for are set to null */
export const recordDecoder = (schema: object, columns: ReadonlyMap<string, ColumnWriter>): RecordDecoder => {
  const { fields, name } = schema as AvroRecord;
  const names: Names = new Map([[name, schema]]);
  const sinks = fields.map((field) => fieldSink(field.type, columns.get(field.name) as ColumnWriter, names));
  const present = new Set(fields.map((field) => field.name));
  const absent = [...columns].filter(([column]) => !present.has(column)).map(([, writer]) => writer);
  const cursor: Cursor = { bytes: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)), at: 0 };
  let buffer: ArrayBufferLike = cursor.bytes.buffer;
  return (record, row) => {
    // Records of one log batch share a buffer: the view over it is made once a batch.
    if (record.buffer !== buffer) {
      buffer = record.buffer;
      cursor.bytes = new Uint8Array(buffer);
      cursor.view = new DataView(buffer);
    }
    cursor.at = record.byteOffset;
    for (let i = 0; i < sinks.length; i++) (sinks[i] as Sink)(cursor, row);
    if (cursor.at !== record.byteOffset + record.byteLength) {
      throw new RangeError(`a record of ${record.byteLength} bytes does not end where its schema "${name}" says`);
    }
    for (let i = 0; i < absent.length; i++) (absent[i] as ColumnWriter).setNull(row);
  };
};
