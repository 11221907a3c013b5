/** gRPC by hand over HTTP/2: sends any frames in any order, and returns the answer. */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
} from 'node:http2';

interface GrpcAnswer {
  /** from the trailers; −1: the stream ended without a status */
  readonly status: number;
  readonly code: string | undefined;
  readonly messages: readonly Buffer[];
  readonly http: number;
}

interface Frame {
  readonly flag?: number;
  /** the length that the frame's head claims; absent: the real length */
  readonly length?: number;
  readonly data: Buffer;
}

export const frame = ({ flag = 0, length, data }: Frame): Buffer => {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(length ?? data.length, 1);
  return Buffer.concat([head, data]);
};

/** @param window how much of an answer the server may send before it is read, in bytes */
export const session = (address: string, window = 65_535): Promise<ClientHttp2Session> =>
  new Promise((resolve, reject) => {
    // Data that is queued on this side is not the server's fault.
    const settings = { initialWindowSize: window };
    const made = connect(`http://${address}`, { maxSessionMemory: 1_000, settings });
    made.once('connect', () => resolve(made));
    made.once('error', reject);
    made.on('error', () => undefined);
  });

export const open = (
  over: ClientHttp2Session,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): ClientHttp2Stream => {
  const stream = over.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  stream.on('error', () => undefined);
  return stream;
};

/** Resolves when the stream is over in any way. */
export const answer = (stream: ClientHttp2Stream): Promise<GrpcAnswer> =>
  new Promise((resolve) => {
    let head: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    stream.on('response', (headers) => {
      head = headers;
    });
    stream.on('trailers', (headers) => {
      trailers = headers;
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('close', () => {
      const all = { ...head, ...trailers };
      const bytes = Buffer.concat(chunks);
      const messages: Buffer[] = [];
      for (let at = 0; at + 5 <= bytes.length; ) {
        const length = bytes.readUInt32BE(at + 1);
        messages.push(bytes.subarray(at + 5, at + 5 + length));
        at += 5 + length;
      }
      const code = all['millrace-code'];
      resolve({
        status: Number(all['grpc-status'] ?? -1),
        code: Array.isArray(code) ? code[0] : code,
        messages,
        http: Number(head[':status'] ?? 0),
      });
    });
  });

export const call = (
  over: ClientHttp2Session,
  path: string,
  data: Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<GrpcAnswer> => {
  const stream = open(over, path, headers);
  stream.end(data);
  return answer(stream);
};
