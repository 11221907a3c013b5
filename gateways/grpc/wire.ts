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
  /** of the same memory */
  view: DataView;
  at: number;
}

/** @param size bytes */
export const newWire = (size: number): Wire => {
  const bytes = Buffer.allocUnsafeSlow(size);
  return { bytes, view: new DataView(bytes.buffer), at: 0 };
};

let spare: Wire | null = newWire(FIRST_SIZE);

export const startWire = (): Wire => {
  const wire = spare ?? newWire(FIRST_SIZE);
  spare = null;
  wire.at = 0;
  return wire;
};

/**
 * The written bytes. They are those of the next message as soon as it is started: grpc-js copies
 * what a serializer returns at once, behind the head of the message.
 */
export const endWire = (wire: Wire): Buffer => {
  if (wire.bytes.length <= KEPT_SIZE) spare = wire;
  return wire.bytes.subarray(0, wire.at);
};

export const reserve = (wire: Wire, more: number): void => {
  if (wire.at + more <= wire.bytes.length) return;
  const { bytes, view } = newWire(Math.max(wire.bytes.length * 2, wire.at + more));
  wire.bytes.copy(bytes, 0, 0, wire.at);
  wire.bytes = bytes;
  wire.view = view;
};

/** Bytes of a varint of a whole number from 0 to 2^53. */
const varintSize = (n: number): number => {
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

/** Room must be reserved. */
export const putDouble = (wire: Wire, value: number): void => {
  wire.view.setFloat64(wire.at, value, true);
  wire.at += 8;
};
