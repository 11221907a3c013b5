/**
 * As much of HTTP/2 as a gRPC client needs that sends the same few calls repeatedly: frames, and
 * one head that is indexed after its first use.
 */
export const DATA = 0;
export const HEADERS = 1;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const END_STREAM = 1;
export const ACK = 1;
const END_HEADERS = 4;
const HEAD_BYTES = 9;
const LARGEST_WINDOW = 2 ** 31 - 1;
const FIRST_WINDOW = 65_535;

export const frame = (type: number, flags: number, stream: number, payload: Uint8Array): Buffer => {
  const out = Buffer.allocUnsafe(HEAD_BYTES + payload.length);
  out.writeUIntBE(payload.length, 0, 3);
  out[3] = type;
  out[4] = flags;
  out.writeUInt32BE(stream, 5);
  out.set(payload, HEAD_BYTES);
  return out;
};

const uint32 = (n: number): Buffer => {
  const out = Buffer.allocUnsafe(4);
  out.writeUInt32BE(n);
  return out;
};

export const windowUpdate = (stream: number, by: number): Buffer =>
  frame(WINDOW_UPDATE, 0, stream, uint32(by));

/** The client's first frames: it accepts any amount of data. */
export const preface = (): Buffer =>
  Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    frame(SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(LARGEST_WINDOW)])),
    windowUpdate(0, LARGEST_WINDOW - FIRST_WINDOW),
  ]);

const text = (value: string): Buffer =>
  Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')]);

/**
 * HEADERS of a call to `path`: in full the first time on a connection, then by the server's table.
 */
export const callHeads = (path: string, authority: string): ((stream: number) => Buffer) => {
  const METHOD_AND_SCHEME = [0x83, 0x86];
  const first = Buffer.concat([
    Buffer.from([...METHOD_AND_SCHEME, 0x44]),
    text(path),
    Buffer.from([0x41]),
    text(authority),
    Buffer.from([0x40]),
    text('te'),
    text('trailers'),
    Buffer.from([0x5f]),
    text('application/grpc'),
  ]);
  // The four new entries are numbered from the last.
  const later = Buffer.from([...METHOD_AND_SCHEME, 0xc1, 0xc0, 0xbf, 0xbe]);
  let used = false;
  return (stream) => {
    const block = used ? later : first;
    used = true;
    return frame(HEADERS, END_HEADERS, stream, block);
  };
};

/** A gRPC message: not compressed, its length, its bytes. */
export const message = (body: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([0]), uint32(body.length), body]);

/** Splits chunks into frames. */
export const frameReader = (
  on: (type: number, flags: number, stream: number, payload: Buffer) => void,
): ((chunk: Buffer) => void) => {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= HEAD_BYTES) {
      const length = bytes.readUIntBE(at, 3);
      if (bytes.length - at < HEAD_BYTES + length) break;
      const payload = bytes.subarray(at + HEAD_BYTES, at + HEAD_BYTES + length);
      on(
        bytes[at + 3] as number,
        bytes[at + 4] as number,
        bytes.readUInt32BE(at + 5) & 0x7fffffff,
        payload,
      );
      at += HEAD_BYTES + length;
    }
    rest = bytes.subarray(at);
  };
};
