/**
 * Avro types by avsc, with two differences. Longs cover all of ±(2^53 − 1); avsc's own exclude both
 * ends and would refuse an accepted value. Arrays and maps check their item count against the
 * remaining bytes; avsc's own would allocate first.
 */

import avro from 'avsc';
import { messageOf } from '#domain/error-message.ts';
import { fail } from '#domain/errors.ts';

const long = avro.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => Number(buffer.readBigInt64LE()),
  toBuffer(n: number) {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(BigInt(n));
    return buffer;
  },
  fromJSON: Number,
  toJSON: Number,
  isValid: Number.isSafeInteger,
  compare: (a: number, b: number) => Math.sign(a - b),
});

/** The name, in a schema, of a long whose values are bigints, of all 64 bits. */
export const EXACT_LONG = 'millrace.exact_long';

const MAX_LONG = 2n ** 63n - 1n;

const exactLong = avro.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer(n: bigint) {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(n);
    return buffer;
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (n: unknown) => typeof n === 'bigint' && n <= MAX_LONG && n >= -MAX_LONG - 1n,
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
});

/** What avsc reads from; avsc's types do not declare it. */
interface Tap {
  readonly buf: Uint8Array;
  pos: number;
  readonly readLong: () => number;
  readonly skipLong: () => void;
  readonly readString: () => string;
}
interface Reading {
  readonly _read: (tap: Tap) => unknown;
}

/** avsc's types are frozen, so an object that overrides some methods wraps the type. */
const otherwise = <T extends object>(type: T, methods: object): T =>
  Object.create(
    type,
    Object.fromEntries(Object.entries(methods).map(([name, value]) => [name, { value }])),
  ) as T;

/**
 * Calls `item` for each item. If the count exceeds the remaining bytes, the tap is moved past its
 * end, which avsc refuses as truncated.
 */
const readBlocks = (tap: Tap, item: () => void): void => {
  for (let count = tap.readLong(); count !== 0; count = tap.readLong()) {
    if (count < 0) tap.skipLong();
    const items = Math.abs(count);
    if (!(items <= tap.buf.length - tap.pos)) {
      tap.pos = tap.buf.length + 1;
      return;
    }
    for (let i = 0; i < items; i++) item();
  }
};

const withBounds: NonNullable<avro.ForSchemaOptions['typeHook']> = (schema, options) => {
  const { type } = schema as { readonly type?: unknown };
  if (type === 'array') {
    const array = new avro.types.ArrayType(schema as never, options);
    const items = array.itemsType as unknown as Reading;
    return otherwise(array, {
      _read(tap: Tap) {
        const read: unknown[] = [];
        readBlocks(tap, () => read.push(items._read(tap)));
        return read;
      },
    });
  }
  if (type === 'map') {
    const map = new avro.types.MapType(schema as never, options);
    const values = map.valuesType as unknown as Reading;
    return otherwise(map, {
      _read(tap: Tap) {
        const read: [string, unknown][] = [];
        readBlocks(tap, () => read.push([tap.readString(), values._read(tap)]));
        return Object.fromEntries(read);
      },
    });
  }
  return undefined;
};

/**
 * The avsc type of a schema. `fromBuffer` throws MR_STORAGE_FAILED where the bytes do not fit it.
 */
export const avroCodec = (schema: unknown): avro.Type => {
  const type = avro.Type.forSchema(schema as avro.Schema, {
    wrapUnions: false,
    registry: { long, [EXACT_LONG]: exactLong },
    typeHook: withBounds,
  });
  return otherwise(type, {
    fromBuffer(bytes: Buffer): unknown {
      try {
        return type.fromBuffer(bytes);
      } catch (error) {
        const why = messageOf(error);
        return fail('MR_STORAGE_FAILED', `an Avro record cannot be read: ${why}`);
      }
    },
  });
};
