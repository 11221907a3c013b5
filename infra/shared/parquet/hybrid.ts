/**
 * Parquet's hybrid of runs and bit-packed groups, which holds levels and indexes of a dictionary.
 */

/** A number for each row, in as few bytes as the numbers need. */
export type Codes = Uint8Array | Uint16Array | Int32Array;

/** Room for `count` numbers of `width` bits. */
export const codesOf = (count: number, width: number): Codes => {
  if (width <= 8) return new Uint8Array(count);
  return width <= 16 ? new Uint16Array(count) : new Int32Array(count);
};

/** Numbers of so many bits fit in 31 bits together with the seven that a byte may leave over. */
const NARROW = 24;

/** Unpacks `into[from…to)`. Wider numbers are held in a double, where more than 32 bits fit. */
const unpack = (
  bytes: Buffer,
  at: number,
  width: number,
  into: Codes,
  from: number,
  to: number,
): void => {
  let place = at;
  let bits = 0;
  let held = 0;
  if (width <= NARROW) {
    const mask = (1 << width) - 1;
    for (let i = from; i < to; i++) {
      for (; held < width; held += 8) bits |= (bytes[place++] as number) << held;
      into[i] = bits & mask;
      bits >>>= width;
      held -= width;
    }
    return;
  }
  for (let i = from; i < to; i++) {
    for (; held < width; held += 8) bits += (bytes[place++] as number) * 2 ** held;
    into[i] = bits % 2 ** width;
    bits = Math.floor(bits / 2 ** width);
    held -= width;
  }
};

/** Reads `into.length` numbers of `width` bits from `bytes[start…end)`. */
export const readHybrid = (
  bytes: Buffer,
  start: number,
  end: number,
  width: number,
  into: Codes,
): void => {
  if (width === 0) {
    into.fill(0);
    return;
  }
  const widthBytes = (width + 7) >> 3;
  let at = start;
  let filled = 0;
  while (filled < into.length) {
    if (at >= end) throw new RangeError('the page ends within its levels or indexes');
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes.readUInt8(at++);
      header |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    const count = (header & 1) === 0 ? header >>> 1 : (header >>> 1) * 8;
    const next = Math.min(into.length, filled + count);
    if ((header & 1) === 0) {
      into.fill(bytes.readUIntLE(at, widthBytes), filled, next);
      at += widthBytes;
    } else {
      unpack(bytes, at, width, into, filled, next);
      at += (count / 8) * width;
    }
    filled = next;
  }
};
