/**
 * Avro types by avsc, with longs over the whole of ±(2^53 − 1): avsc's own stop one short of both
 * ends, and would refuse an accepted value. And with arrays that hold what a count claims against
 * the bytes that are left: avsc's own would make room for it first.
 */
import avro from 'avsc';
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

/** What avsc reads from; of its own kind, and not in its types. */
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

/** avsc's types are frozen: one that does some things otherwise stands before it. */
const otherwise = <T extends object>(type: T, methods: object): T =>
  Object.create(
    type,
    Object.fromEntries(Object.entries(methods).map(([name, value]) => [name, { value }])),
  ) as T;

/**
 * Calls back for each item; past what the bytes can hold, the tap is left past its end, which avsc
 * then refuses as cut off.
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

/** `fromBuffer` refuses bytes that are not what the schema says with MR_STORAGE_FAILED. */
export const avroCodec = (schema: unknown): avro.Type => {
  const type = avro.Type.forSchema(schema as avro.Schema, {
    wrapUnions: false,
    registry: { long },
    typeHook: withBounds,
  });
  return otherwise(type, {
    fromBuffer(bytes: Buffer): unknown {
      try {
        return type.fromBuffer(bytes);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        return fail('MR_STORAGE_FAILED', `an Avro record can't be read: ${why}`);
      }
    },
  });
};
