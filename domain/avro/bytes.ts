/** Writes Avro primitives to a growing byte buffer, and reads them from a buffer. */
import { type ExactNumber, exactNumber } from '#domain/values/exact-json.ts';

/** Below this many characters a loop is faster than a call into the runtime. */
const SHORT = 32;

export class ByteWriter {
  private buffer = Buffer.allocUnsafeSlow(4096);
  private at = 0;

  reset(): void {
    this.at = 0;
  }

  /** A copy of what was written. */
  take(): Uint8Array {
    const bytes = Buffer.allocUnsafe(this.at);
    this.buffer.copy(bytes, 0, 0, this.at);
    return bytes;
  }

  /** What was written, without a copy: valid until the next write. */
  written(): Uint8Array {
    return this.buffer.subarray(0, this.at);
  }

  get length(): number {
    return this.at;
  }

  private need(size: number): void {
    if (this.at + size <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.at + size));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  }

  /**
   * A zigzag varint, exact over ±(2^53 − 1). Past 30 bits the number is split, because 2n needs 54
   * bits.
   */
  writeLong(n: number): void {
    this.need(10);
    const buffer = this.buffer;
    if (n >= -1_073_741_824 && n < 1_073_741_824) {
      let z = ((n << 1) ^ (n >> 31)) >>> 0;
      while (z > 127) {
        buffer[this.at++] = (z & 127) | 128;
        z >>>= 7;
      }
      buffer[this.at++] = z;
      return;
    }
    // Zigzag puts the sign below the low 27 bits of the magnitude: four bytes of seven bits, then
    // the rest as a small varint.
    const m = n < 0 ? -(n + 1) : n;
    const low = m % 134_217_728;
    let z = low * 2 + (n < 0 ? 1 : 0);
    buffer[this.at++] = (z & 127) | 128;
    z >>>= 7;
    buffer[this.at++] = (z & 127) | 128;
    z >>>= 7;
    buffer[this.at++] = (z & 127) | 128;
    z >>>= 7;
    buffer[this.at++] = z | 128;
    let rest = (m - low) / 134_217_728;
    while (rest > 127) {
      buffer[this.at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    buffer[this.at++] = rest;
  }

  writeDouble(n: number): void {
    this.need(8);
    this.at = this.buffer.writeDoubleLE(n, this.at);
  }

  writeFloat(n: number): void {
    this.need(4);
    this.at = this.buffer.writeFloatLE(n, this.at);
  }

  writeBoolean(b: boolean): void {
    this.need(1);
    this.buffer[this.at++] = b ? 1 : 0;
  }

  writeText(text: string): void {
    const length = text.length;
    if (length < SHORT) {
      this.need(length + 1);
      const buffer = this.buffer;
      const start = this.at;
      let i = 0;
      for (; i < length; i++) {
        const code = text.charCodeAt(i);
        if (code > 127) break;
        buffer[start + 1 + i] = code;
      }
      if (i === length) {
        buffer[start] = length << 1;
        this.at = start + 1 + length;
        return;
      }
    }
    const size = Buffer.byteLength(text);
    this.writeLong(size);
    this.need(size);
    this.at += this.buffer.write(text, this.at, size, 'utf8');
  }

  writeZeros(count: number): void {
    this.need(count);
    for (const end = this.at + count; this.at < end; this.at++) this.buffer[this.at] = 0;
  }

  /** Bytes that are already encoded. */
  writeBytes(bytes: Uint8Array): void {
    this.need(bytes.length);
    if (bytes.length < SHORT)
      for (let i = 0; i < bytes.length; i++) this.buffer[this.at + i] = bytes[i] as number;
    else this.buffer.set(bytes, this.at);
    this.at += bytes.length;
  }

  writeBase64(text: string): void {
    const bytes = Buffer.from(text, 'base64');
    this.writeLong(bytes.length);
    this.need(bytes.length);
    bytes.copy(this.buffer, this.at);
    this.at += bytes.length;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Node's own method, without `toString`'s dispatch on the encoding; it is missing in Node's types.
 */
type Readable = Buffer & { utf8Slice(start: number, end: number): string };

export class ByteReader {
  private buffer = Buffer.alloc(0) as Buffer as Readable;
  private at = 0;
  private readonly broken: (why: string) => never;

  /**
   * @param broken called with the reason when the bytes do not fit their schema; counts and lengths
   * are checked against the remaining bytes before use
   */
  constructor(broken: (why: string) => never) {
    this.broken = broken;
  }

  reset(bytes: Uint8Array): void {
    this.buffer = (
      Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    ) as Readable;
    this.at = 0;
  }

  /** Checks that all bytes have been read. */
  end(): void {
    if (this.at !== this.buffer.length)
      this.broken(`it has ${this.buffer.length} bytes, its schema ends at ${this.at}`);
  }

  private size(): number {
    const size = this.readLong();
    if (!(size >= 0 && size <= this.buffer.length - this.at)) this.broken('it is cut off');
    return size;
  }

  readLong(): number {
    const buffer = this.buffer;
    let b = buffer[this.at++] ?? this.broken('it is cut off');
    if (b < 128) return (b >>> 1) ^ -(b & 1);
    const negative = (b & 1) === 1;
    let n = (b & 127) >>> 1;
    let scale = 64;
    do {
      b = buffer[this.at++] ?? this.broken('it is cut off');
      n += (b & 127) * scale;
      scale *= 128;
    } while (b > 127);
    if (!(n < 2 ** 64)) this.broken('a number has more than ten bytes');
    return negative ? -n - 1 : n;
  }

  /** A long of another system's record: past 2^53 it keeps its digits. */
  readExactLong(): number | ExactNumber {
    const start = this.at;
    const near = this.readLong();
    if (Number.isSafeInteger(near)) return near;
    let zigzag = 0n;
    for (let i = this.at - 1; i >= start; i--)
      zigzag = (zigzag << 7n) | BigInt((this.buffer[i] as number) & 127);
    return exactNumber((zigzag >> 1n) ^ -(zigzag & 1n));
  }

  readSymbol(symbols: readonly string[]): string {
    return symbols[this.readLong()] ?? this.broken('an enum has no such symbol');
  }

  /**
   * The number of items in an array's next block; 0 at the end of the array. Items take at least
   * one byte.
   */
  readBlock(): number {
    const n = this.readLong();
    if (n < 0) this.readLong();
    const items = Math.abs(n);
    return items <= this.buffer.length - this.at
      ? items
      : this.broken('a block has more items than bytes');
  }

  /** Whether a union of null and one other type has the other. */
  readPresent(): boolean {
    const byte = this.buffer[this.at++];
    return byte === 2 || (byte !== 0 && this.broken('a union has no such branch'));
  }

  readDouble(): number {
    if (this.at + 8 > this.buffer.length) this.broken('it is cut off');
    this.at += 8;
    return this.buffer.readDoubleLE(this.at - 8);
  }

  readFloat(): number {
    if (this.at + 4 > this.buffer.length) this.broken('it is cut off');
    this.at += 4;
    return this.buffer.readFloatLE(this.at - 4);
  }

  readBoolean(): boolean {
    const byte = this.buffer[this.at++];
    return (
      byte === 1 ||
      (byte !== 0 && this.broken(byte === undefined ? 'it is cut off' : `a boolean is ${byte}`))
    );
  }

  readText(): string {
    const size = this.size();
    const start = this.at;
    this.at += size;
    return this.buffer.utf8Slice(start, start + size);
  }

  /**
   * A text of another system's record: invalid UTF-8 is refused, because a replacement
   * character would change the value.
   */
  readCheckedText(): string {
    const size = this.size();
    const start = this.at;
    this.at += size;
    try {
      return utf8.decode(this.buffer.subarray(start, this.at));
    } catch {
      return this.broken('a text is not UTF-8');
    }
  }

  readBase64(): string {
    const size = this.size();
    this.at += size;
    return this.buffer.toString('base64', this.at - size, this.at);
  }
}
