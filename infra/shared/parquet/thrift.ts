/**
 * Thrift's compact protocol, as Parquet's footers and page headers use it: a struct becomes an
 * array of its values by field id.
 */

export type Struct = readonly unknown[];

export interface ThriftReader {
  /** the place after what was read */
  readonly at: number;
  struct(): Struct;
}

const [TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, , STRUCT] = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
];

export const thriftReader = (bytes: Buffer, start: number): ThriftReader => {
  let at = start;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes.readUInt8(at++);
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  const zigzag = (): number => {
    const value = varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  };
  const list = (): unknown[] => {
    const header = bytes.readUInt8(at++);
    const size = header >> 4 === 15 ? varint() : header >> 4;
    const type = header & 15;
    const items: unknown[] = [];
    for (let i = 0; i < size; i++)
      items.push(type === TRUE || type === FALSE ? bytes.readUInt8(at++) === 1 : value(type));
    return items;
  };
  const value = (type: number): unknown => {
    switch (type) {
      case TRUE:
        return true;
      case FALSE:
        return false;
      case BYTE:
        return bytes.readInt8(at++);
      case I16:
      case I32:
      case I64:
        return zigzag();
      case DOUBLE:
        at += 8;
        return bytes.readDoubleLE(at - 8);
      case BINARY: {
        const length = varint();
        at += length;
        return bytes.subarray(at - length, at);
      }
      case LIST:
      case SET:
        return list();
      case STRUCT:
        return struct();
      default:
        throw new RangeError(`Thrift's type ${type} is not one that Parquet uses`);
    }
  };
  const struct = (): Struct => {
    const fields: unknown[] = [];
    for (let id = 0; ; ) {
      const header = bytes.readUInt8(at++);
      if (header === 0) return fields;
      id = header >> 4 === 0 ? zigzag() : id + (header >> 4);
      fields[id] = value(header & 15);
    }
  };
  return {
    get at() {
      return at;
    },
    struct,
  };
};
