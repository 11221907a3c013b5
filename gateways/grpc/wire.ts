/**
 * Writes protobuf's wire format into one growing buffer, without intermediate objects: the part
 * that the encoder of reads needs.
 */

const FIRST_SIZE = 16 * 1024;
/** The buffer of a larger answer is not kept. */
const KEPT_SIZE = 4 * 1024 * 1024;

export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH = 2;

export interface Wire {
  bytes: Buffer;
  at: number;
}

let spare: Buffer | null = Buffer.allocUnsafe(FIRST_SIZE);

export const startWire = (): Wire => {
  const bytes = spare ?? Buffer.allocUnsafe(FIRST_SIZE);
  spare = null;
  return { bytes, at: 0 };
};

/** A copy of the written bytes; the buffer is kept for the next message. */
export const endWire = ({ bytes, at }: Wire): Buffer => {
  if (bytes.length <= KEPT_SIZE) spare = bytes;
  return Buffer.from(bytes.subarray(0, at));
};

export const reserve = (wire: Wire, more: number): void => {
  if (wire.at + more <= wire.bytes.length) return;
  const bytes = Buffer.allocUnsafe(Math.max(wire.bytes.length * 2, wire.at + more));
  wire.bytes.copy(bytes, 0, 0, wire.at);
  wire.bytes = bytes;
};

/** Bytes of a varint of a whole number from 0 to 2^53. */
export const varintSize = (n: number): number => {
  let size = 1;
  for (let rest = n; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
};

/**
 * A whole number from −2^53 to 2^53, as int64: negative ones have ten bytes. Room must be reserved.
 */
export const putVarint = (wire: Wire, n: number): void => {
  const { bytes } = wire;
  if (n < 0) {
    let rest = BigInt.asUintN(64, BigInt(n));
    for (; rest > 127n; rest >>= 7n) bytes[wire.at++] = Number(rest & 127n) | 128;
    bytes[wire.at++] = Number(rest);
    return;
  }
  let rest = n;
  for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) bytes[wire.at++] = (rest % 128) | 128;
  for (; rest > 127; rest >>>= 7) bytes[wire.at++] = (rest & 127) | 128;
  bytes[wire.at++] = rest;
};

export const putTag = (wire: Wire, field: number, type: number): void => {
  wire.bytes[wire.at++] = (field << 3) | type;
};

/** A text field; '' is the default and left out. */
export const putText = (wire: Wire, field: number, text: string): void => {
  if (text === '') return;
  const size = Buffer.byteLength(text);
  reserve(wire, size + 12);
  putTag(wire, field, LENGTH);
  putVarint(wire, size);
  wire.bytes.write(text, wire.at, 'utf8');
  wire.at += size;
};

export const putWhole = (wire: Wire, field: number, n: number): void => {
  reserve(wire, 12);
  putTag(wire, field, VARINT);
  putVarint(wire, n);
};

/**
 * A message within a message. Its length is before it and not known yet: one byte is reserved for
 * it, and the message is moved if the length needs more.
 */
export const putMessage = (wire: Wire, field: number, write: (wire: Wire) => void): void => {
  reserve(wire, 12);
  putTag(wire, field, LENGTH);
  const lengthAt = wire.at;
  wire.at += 1;
  write(wire);
  const length = wire.at - lengthAt - 1;
  const more = varintSize(length) - 1;
  if (more > 0) {
    reserve(wire, more);
    wire.bytes.copyWithin(lengthAt + 1 + more, lengthAt + 1, wire.at);
  }
  wire.at = lengthAt;
  putVarint(wire, length);
  wire.at += length;
};

const double = new Float64Array(1);
const octets = new Uint8Array(double.buffer);

/** Little-endian, as on every machine that Node supports. Room must be reserved. */
export const putDouble = (wire: Wire, value: number): void => {
  const { bytes, at } = wire;
  double[0] = value;
  for (let i = 0; i < 8; i++) bytes[at + i] = octets[i] as number;
  wire.at = at + 8;
};
