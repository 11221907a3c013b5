/**
 * Reads Avro bytes as plain data, by closures compiled once per schema, for paths on which avsc's
 * objects cost too much. A law test of each user compares its results with avsc's.
 *
 * Bytes that do not fit their schema are refused with MR_STORAGE_FAILED, at a cost bounded by their
 * length: counts and lengths are checked against the rest of the record before anything is
 * allocated.
 */
import { fail } from '#domain/errors.ts';

export interface Cursor {
  bytes: Uint8Array;
  view: DataView;
  at: number;
  /** the end of the record; other records may follow in the buffer */
  end: number;
}

export const emptyCursor = (): Cursor => ({
  bytes: new Uint8Array(0),
  view: new DataView(new ArrayBuffer(0)),
  at: 0,
  end: 0,
});

export const brokenRecord = (why: string): never =>
  fail('MR_STORAGE_FAILED', `an Avro record cannot be read: ${why}`);

/** Records of one batch share a buffer, so the view over it is made once per batch. */
export const pointAt = (cursor: Cursor, record: Uint8Array): void => {
  if (record.buffer !== cursor.bytes.buffer) {
    cursor.bytes = new Uint8Array(record.buffer);
    cursor.view = new DataView(record.buffer);
  }
  cursor.at = record.byteOffset;
  cursor.end = record.byteOffset + record.byteLength;
};

/** Checks that the record ends where its schema does. */
export const finish = ({ at, end }: Cursor, schema: string): void => {
  if (at !== end) brokenRecord(`it does not end where its schema "${schema}" ends`);
};

const LOW_BITS = 268435456; // 2^28
const MOST_HIGH = 2 ** 42;

export const readLong = (c: Cursor): number => {
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
    if (!(high < MOST_HIGH)) brokenRecord('a number has more than ten bytes');
  }
  const half = high * (LOW_BITS / 2) + (low >>> 1);
  return (low & 1) === 0 ? half : -half - 1;
};

/** A length, or a count of items of at least one byte, checked against the remaining bytes. */
const readLength = (c: Cursor): number => {
  const length = readLong(c);
  return length >= 0 && length <= c.end - c.at
    ? length
    : brokenRecord('a length points past its end');
};

/** Skips a text or bytes. @returns the index where they begin */
export const skipBytes = (c: Cursor): number => {
  const length = readLength(c);
  const start = c.at;
  c.at = start + length;
  return start;
};

const readBytes = (c: Cursor): Uint8Array => {
  const length = readLength(c);
  c.at += length;
  return c.bytes.subarray(c.at - length, c.at);
};
const need = (c: Cursor, bytes: number): void => {
  if (c.at + bytes > c.end) brokenRecord('it is cut off');
};
export const readFloat = (c: Cursor): number => {
  need(c, 4);
  c.at += 4;
  return c.view.getFloat32(c.at - 4, true);
};
export const readDouble = (c: Cursor): number => {
  need(c, 8);
  c.at += 8;
  return c.view.getFloat64(c.at - 8, true);
};
export const readBoolean = (c: Cursor): boolean => {
  const byte = c.bytes[c.at++];
  return byte === 1 || (byte !== 0 && brokenRecord(`a boolean is ${byte}`));
};
/** Whether a union of two has its second branch. */
export const readSecond = (c: Cursor): boolean => {
  const byte = c.bytes[c.at++];
  return byte === 2 || (byte !== 0 && brokenRecord('a union has no such branch'));
};
const readString = (c: Cursor): string => {
  const { buffer, byteOffset, byteLength } = readBytes(c);
  return Buffer.from(buffer, byteOffset, byteLength).toString('utf8');
};
const readBase64 = (c: Cursor): string => Buffer.from(readBytes(c)).toString('base64');

export type Read = (c: Cursor) => unknown;
/** Named types seen so far. */
export type AvroNames = Map<string, unknown>;

/**
 * Reads the blocks of an array or map; a negative count is followed by the block's size. Every item
 * takes at least one byte.
 */
export const readBlocks = (c: Cursor, item: (c: Cursor) => void): void => {
  for (let count = readLong(c); count !== 0; count = readLong(c)) {
    if (count < 0) readLong(c);
    const items = Math.abs(count);
    if (!(items <= c.end - c.at)) brokenRecord('a block has more items than bytes');
    for (let i = items; i > 0; i--) item(c);
  }
};

export const resolveNamed = (avro: unknown, names: AvroNames): unknown => {
  if (typeof avro === 'string') return names.get(avro) ?? avro;
  const { name, type } = avro as { name?: string; type?: unknown };
  if (name !== undefined) names.set(name, avro);
  return typeof type === 'object' && type !== null ? resolveNamed(type, names) : avro;
};

/** A reader of plain data: bytes as base64, timestamps as the number that was written. */
export const plainReader = (avro: unknown, names: AvroNames): Read => {
  if (Array.isArray(avro)) {
    const branches = avro.map((branch) => plainReader(branch, names));
    return (c) => (branches[readLong(c)] ?? brokenRecord('a union has no such branch'))(c);
  }
  const schema = resolveNamed(avro, names);
  const type = typeof schema === 'string' ? schema : (schema as { type: string }).type;
  const complex = schema as {
    fields: readonly { readonly name: string; readonly type: unknown }[];
    items: unknown;
    values: unknown;
    symbols: string[];
    size: number;
  };
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
      return (c) => complex.symbols[readLong(c)] ?? brokenRecord('an enum has no such symbol');
    case 'fixed':
      return (c) => {
        need(c, complex.size);
        return Buffer.from(c.bytes.subarray(c.at, (c.at += complex.size))).toString('base64');
      };
    case 'array': {
      const item = plainReader(complex.items, names);
      return (c) => {
        const items: unknown[] = [];
        readBlocks(c, () => items.push(item(c)));
        return items;
      };
    }
    case 'map': {
      const value = plainReader(complex.values, names);
      return (c) => {
        const entries: [string, unknown][] = [];
        readBlocks(c, () => entries.push([readString(c), value(c)]));
        return Object.fromEntries(entries);
      };
    }
    case 'record': {
      const fields = complex.fields.map(
        (field) => [field.name, plainReader(field.type, names)] as const,
      );
      return (c) => Object.fromEntries(fields.map(([name, read]) => [name, read(c)]));
    }
    default:
      throw new TypeError(`an Avro schema has an unknown type: ${JSON.stringify(avro)}`);
  }
};
