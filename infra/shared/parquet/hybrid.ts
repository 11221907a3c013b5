/**
 * Parquet's hybrid of runs and bit-packed groups, which holds levels and indexes of a dictionary.
 */

/** Reads `count` numbers of `width` bits from `bytes[at…end)`. */
export const readHybrid = (
  bytes: Buffer,
  start: number,
  end: number,
  width: number,
  into: Int32Array,
): void => {
  if (width === 0) {
    into.fill(0);
    return;
  }
  const widthBytes = (width + 7) >> 3;
  const mask = width === 32 ? 0xffffffff : 2 ** width - 1;
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
    if ((header & 1) === 0) {
      const value = bytes.readUIntLE(at, widthBytes);
      at += widthBytes;
      const next = Math.min(into.length, filled + (header >>> 1));
      into.fill(value, filled, next);
      filled = next;
      continue;
    }
    const count = (header >>> 1) * 8;
    const next = Math.min(into.length, filled + count);
    let bits = 0;
    let held = 0;
    let place = at;
    for (; filled < next; filled++) {
      // Whole bytes are held in a double, so that more than 32 bits fit.
      while (held < width) {
        bits += (bytes[place++] as number) * 2 ** held;
        held += 8;
      }
      into[filled] = held <= 31 ? bits & mask : bits % (mask + 1);
      bits = Math.floor(bits / 2 ** width);
      held -= width;
    }
    at += (count / 8) * width;
  }
};
