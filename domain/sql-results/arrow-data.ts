/**
 * Columns of Apache Arrow from values: the buffers are filled here, by type, because Arrow's own
 * builders take times in milliseconds and no decimals.
 */
import {
  Binary,
  Bool,
  type Data,
  type DataType,
  DateDay,
  Decimal,
  Field,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  makeData,
  Struct,
  TimestampMicrosecond,
  Utf8,
} from 'apache-arrow';
import type { SqlForm, SqlType, SqlValue } from './sql-type.ts';

const DECIMAL = /^decimal\((\d+),(\d+)\)$/;
const WIDEST_DECIMAL = 38;

const decimalOf = (name: string): Decimal => {
  const [, precision = String(WIDEST_DECIMAL), scale = '0'] = DECIMAL.exec(name) ?? [];
  return new Decimal(Number(scale), Number(precision), 128);
};

const SCALARS: Readonly<Record<Exclude<SqlForm, 'decimal'>, () => DataType>> = {
  boolean: () => new Bool(),
  int: () => new Int32(),
  long: () => new Int64(),
  float: () => new Float32(),
  double: () => new Float64(),
  string: () => new Utf8(),
  bytes: () => new Binary(),
  date: () => new DateDay(),
  timestamp: () => new TimestampMicrosecond('UTC'),
};

export const arrowType = (type: SqlType): DataType => {
  switch (type.form) {
    case 'list':
      return new List(new Field('item', arrowType(type.element), true));
    case 'struct':
      return new Struct(
        type.fields.map((field) => new Field(field.name, arrowType(field.type), true)),
      );
    case 'decimal':
      return decimalOf(type.name);
    default:
      return SCALARS[type.form]();
  }
};

interface Validity {
  readonly nullCount: number;
  readonly nullBitmap: Uint8Array | null;
}

const validityOf = (values: readonly SqlValue[]): Validity => {
  const nullBitmap = new Uint8Array(Math.ceil(values.length / 8));
  let nullCount = 0;
  values.forEach((value, i) => {
    if (value === null) nullCount++;
    else nullBitmap[i >> 3] = (nullBitmap[i >> 3] as number) | (1 << (i & 7));
  });
  return { nullCount, nullBitmap: nullCount === 0 ? null : nullBitmap };
};

const bitsOf = (values: readonly SqlValue[]): Uint8Array => {
  const bits = new Uint8Array(Math.ceil(values.length / 8));
  values.forEach((value, i) => {
    if (value === true) bits[i >> 3] = (bits[i >> 3] as number) | (1 << (i & 7));
  });
  return bits;
};

/** 128 bits each, two's complement, little endian. */
const decimalsOf = (values: readonly SqlValue[]): Uint32Array => {
  const words = new BigInt64Array(values.length * 2);
  values.forEach((value, i) => {
    if (value === null) return;
    const whole = BigInt((value as string).replace('.', ''));
    words[i * 2] = BigInt.asIntN(64, whole);
    words[i * 2 + 1] = whole >> 64n;
  });
  return new Uint32Array(words.buffer);
};

const offsetsOf = (lengths: readonly number[]): Int32Array => {
  const offsets = new Int32Array(lengths.length + 1);
  lengths.forEach((length, i) => {
    offsets[i + 1] = (offsets[i] as number) + length;
  });
  return offsets;
};

const bytesOf = (value: SqlValue): Uint8Array =>
  value === null
    ? new Uint8Array()
    : typeof value === 'string'
      ? Buffer.from(value)
      : (value as Uint8Array);

const numbers = (values: readonly SqlValue[]): number[] =>
  values.map((value) => Number(value ?? 0));
const longs = (values: readonly SqlValue[]): bigint[] =>
  values.map((value) => (value as bigint | null) ?? 0n);

const buffersOf = (type: SqlType, values: readonly SqlValue[]): object => {
  switch (type.form) {
    case 'boolean':
      return { data: bitsOf(values) };
    case 'int':
    case 'date':
      return { data: Int32Array.from(numbers(values)) };
    case 'long':
    case 'timestamp':
      return { data: BigInt64Array.from(longs(values)) };
    case 'float':
      return { data: Float32Array.from(numbers(values)) };
    case 'double':
      return { data: Float64Array.from(numbers(values)) };
    case 'decimal':
      return { data: decimalsOf(values) };
    case 'string':
    case 'bytes': {
      const parts = values.map(bytesOf);
      return {
        valueOffsets: offsetsOf(parts.map(({ length }) => length)),
        data: new Uint8Array(Buffer.concat(parts)),
      };
    }
    case 'list': {
      const lists = values as readonly (readonly SqlValue[] | null)[];
      return {
        valueOffsets: offsetsOf(lists.map((list) => list?.length ?? 0)),
        child: arrowData(
          type.element,
          lists.flatMap((list) => list ?? []),
        ),
      };
    }
    case 'struct': {
      const structs = values as readonly (readonly SqlValue[] | null)[];
      return {
        children: type.fields.map((field, i) =>
          arrowData(
            field.type,
            structs.map((struct) => struct?.[i] ?? null),
          ),
        ),
      };
    }
  }
};

export const arrowData = (type: SqlType, values: readonly SqlValue[]): Data =>
  makeData({
    type: arrowType(type),
    length: values.length,
    ...validityOf(values),
    ...buffersOf(type, values),
  } as never);
