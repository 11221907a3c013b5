/**
 * Bare @grpc/grpc-js: answers each call of the path with the same bytes, and does not decode the
 * request.
 */
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { serveMeasured } from './measured-server.ts';

const [path, answer] = [
  process.argv[2] as string,
  Buffer.from(process.argv[3] as string, 'base64'),
];
const same = (bytes: Buffer): Buffer => bytes;
const server = new Server();
server.addService(
  {
    Read: {
      path,
      requestStream: false,
      responseStream: false,
      requestDeserialize: same,
      requestSerialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    },
    ReadStream: {
      path: `${path}Stream`,
      requestStream: true,
      responseStream: true,
      requestDeserialize: same,
      requestSerialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    },
  },
  {
    Read: (_call: unknown, callback: (error: null, value: Buffer) => void) =>
      callback(null, answer),
    ReadStream: (call: import('@grpc/grpc-js').ServerDuplexStream<Buffer, Buffer>) => {
      call.on('data', () => call.write(answer));
      call.on('end', () => call.end());
    },
  },
);
const port = await new Promise<number>((resolve, reject) =>
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, at) =>
    error === null ? resolve(at) : reject(error),
  ),
);
serveMeasured(`127.0.0.1:${port}`);
