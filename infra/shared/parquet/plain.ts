/** Plain values of a page. */
import type { ParquetColumn } from './footer.ts';

/** Bytes of a number, by type. */
export const NUMBER_BYTES = { int32: 4, int64: 8, float: 4, double: 8 } as const;
/** Of the length before each byte array. */
export const LENGTH_BYTES = 4;

/** Typed arrays must begin at a multiple of their width, so bytes are copied here first. */
let aligned = new ArrayBuffer(1 << 16);

const alignedBytes = (body: Buffer, at: number, size: number): ArrayBuffer => {
  if (at + size > body.length) throw new RangeError('the page ends within its numbers');
  if (aligned.byteLength < size) aligned = new ArrayBuffer(2 * size);
  new Uint8Array(aligned).set(body.subarray(at, at + size));
  return aligned;
};

/** Puts `count` numbers, which begin at `at`, into `into[to…]`. */
export const readPlainNumbers = (
  type: ParquetColumn['type'],
  body: Buffer,
  at: number,
  count: number,
  into: Float64Array,
  to: number,
): void => {
  if (type === 'boolean') {
    for (let i = 0; i < count; i++) into[to + i] = (body.readUInt8(at + (i >> 3)) >> (i & 7)) & 1;
    return;
  }
  const bytes = alignedBytes(body, at, count * NUMBER_BYTES[type as keyof typeof NUMBER_BYTES]);
  if (type === 'int32') into.set(new Int32Array(bytes, 0, count), to);
  if (type === 'float') into.set(new Float32Array(bytes, 0, count), to);
  if (type === 'double') into.set(new Float64Array(bytes, 0, count), to);
  if (type !== 'int64') return;
  const words = new Int32Array(bytes, 0, 2 * count);
  for (let i = 0; i < count; i++)
    into[to + i] = (words[2 * i + 1] as number) * 2 ** 32 + ((words[2 * i] as number) >>> 0);
};

export const plainNumbers = (
  type: ParquetColumn['type'],
  body: Buffer,
  at: number,
  count: number,
): Float64Array => {
  const numbers = new Float64Array(count);
  readPlainNumbers(type, body, at, count, numbers, 0);
  return numbers;
};

/**
 * Where `count` byte arrays are, of which the first one's length is at `at`. The last of the places
 * is where one more would be, so that each ends `LENGTH_BYTES` before the next place.
 */
export const plainStarts = (body: Buffer, at: number, count: number): Uint32Array => {
  const starts = new Uint32Array(count + 1);
  let place = at;
  for (let i = 0; i < count; i++) {
    const start = place + LENGTH_BYTES;
    starts[i] = start;
    const [a, b, c] = [body[place], body[place + 1], body[place + 2]] as [number, number, number];
    place = start + (a | (b << 8) | (c << 16)) + (body[place + 3] as number) * 2 ** 24;
  }
  if (place > body.length) throw new RangeError('the page ends within a value');
  starts[count] = place + LENGTH_BYTES;
  return starts;
};
