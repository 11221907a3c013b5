/**
 * Avro's bytes as plain data, by closures that are compiled once a schema: for paths on which avsc's own objects cost too much. A law test
 * of each user holds its answers to avsc's.
 */
export interface Cursor {
  bytes: Uint8Array;
  view: DataView;
  at: number;
}

export const emptyCursor = (): Cursor => ({ bytes: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)), at: 0 });

/** Records of one batch share a buffer: the view over it is made once a batch. */
export const pointAt = (cursor: Cursor, record: Uint8Array): void => {
  if (record.buffer !== cursor.bytes.buffer) {
    cursor.bytes = new Uint8Array(record.buffer);
    cursor.view = new DataView(record.buffer);
  }
  cursor.at = record.byteOffset;
};

const LOW_BITS = 268435456; // 2^28

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
  }
  const half = high * (LOW_BITS / 2) + (low >>> 1);
  return (low & 1) === 0 ? half : -half - 1;
};

const readBytes = (c: Cursor): Uint8Array => {
  const length = readLong(c);
  c.at += length;
  return c.bytes.subarray(c.at - length, c.at);
};
export const readFloat = (c: Cursor): number => {
  c.at += 4;
  return c.view.getFloat32(c.at - 4, true);
};
export const readDouble = (c: Cursor): number => {
  c.at += 8;
  return c.view.getFloat64(c.at - 8, true);
};
const readBoolean = (c: Cursor): boolean => c.bytes[c.at++] === 1;
const readString = (c: Cursor): string => {
  const { buffer, byteOffset, byteLength } = readBytes(c);
  return Buffer.from(buffer, byteOffset, byteLength).toString('utf8');
};
const readBase64 = (c: Cursor): string => Buffer.from(readBytes(c)).toString('base64');

export type Read = (c: Cursor) => unknown;
/** Named types met so far. */
export type AvroNames = Map<string, unknown>;

/** Blocks of an array or map: a negative count is followed by the block's size. */
export const readBlocks = (c: Cursor, item: (c: Cursor) => void): void => {
  for (let count = readLong(c); count !== 0; count = readLong(c)) {
    if (count < 0) readLong(c);
    for (let i = Math.abs(count); i > 0; i--) item(c);
  }
};

export const resolveNamed = (avro: unknown, names: AvroNames): unknown => {
  if (typeof avro === 'string') return names.get(avro) ?? avro;
  const { name, type } = avro as { name?: string; type?: unknown };
  if (name !== undefined) names.set(name, avro);
  return typeof type === 'object' && type !== null ? resolveNamed(type, names) : avro;
};

/** Plain data: bytes as base64, timestamps as the number that was written. */
export const plainReader = (avro: unknown, names: AvroNames): Read => {
  if (Array.isArray(avro)) {
    const branches = avro.map((branch) => plainReader(branch, names));
    return (c) => (branches[readLong(c)] as Read)(c);
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
      return (c) => complex.symbols[readLong(c)];
    case 'fixed':
      return (c) => Buffer.from(c.bytes.subarray(c.at, (c.at += complex.size))).toString('base64');
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
      const fields = complex.fields.map((field) => [field.name, plainReader(field.type, names)] as const);
      return (c) => Object.fromEntries(fields.map(([name, read]) => [name, read(c)]));
    }
    default:
      throw new TypeError(`an Avro schema has a type that is not known: ${JSON.stringify(avro)}`);
  }
};
