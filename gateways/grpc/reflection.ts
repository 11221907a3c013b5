/**
 * Server reflection (grpc.reflection.v1, and v1alpha, which most clients still try first), for
 * tools such as grpcurl. It answers from `descriptors.json`, which protoc compiled from the protos.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Server, type ServerDuplexStream, status } from '@grpc/grpc-js';
import descriptors from './descriptors.json' with { type: 'json' };
import { loadProtos, serviceOf } from './protos.ts';

const PROTOS = join(
  dirname(createRequire(import.meta.url).resolve('@grpc/reflection')),
  '..',
  'proto',
);

interface Request {
  readonly listServices?: string;
  readonly fileByFilename?: string;
  readonly fileContainingSymbol?: string;
}
type Response = Readonly<Record<string, unknown>>;

interface DescriptorFile {
  readonly file: string;
  readonly needs: readonly string[];
  readonly symbols: readonly string[];
  readonly descriptor: string;
}

const files = new Map<string, DescriptorFile>(descriptors.map((one) => [one.file, one]));
const bySymbol = new Map<string, DescriptorFile>(
  descriptors.flatMap((one) => one.symbols.map((symbol) => [symbol, one] as const)),
);

/** The file and all its imports, itself first. */
const withNeeded = (first: DescriptorFile): Response => {
  const all = new Set([first]);
  for (const { needs } of all) for (const name of needs) all.add(files.get(name) as DescriptorFile);
  return {
    fileDescriptorResponse: {
      fileDescriptorProto: [...all].map(({ descriptor }) => Buffer.from(descriptor, 'base64')),
    },
  };
};

const failure = (errorCode: number, errorMessage: string): Response => ({
  errorResponse: { errorCode, errorMessage },
});

const answer = (request: Request, services: readonly string[]): Response => {
  if (request.listServices !== undefined)
    return { listServicesResponse: { service: services.map((name) => ({ name })) } };
  const { fileByFilename: name, fileContainingSymbol: symbol } = request;
  if (name === undefined && symbol === undefined)
    return failure(status.UNIMPLEMENTED, 'the protos have no extensions');
  const found = name === undefined ? bySymbol.get(symbol as string) : files.get(name);
  return found === undefined
    ? failure(status.NOT_FOUND, `there is no ${name ?? symbol}`)
    : withNeeded(found);
};

/** @param services all services of the server, except reflection */
export const addReflection = (server: Server, services: readonly string[]): void => {
  for (const version of ['v1', 'v1alpha']) {
    const name = `grpc.reflection.${version}.ServerReflection`;
    const protos = loadProtos({
      directory: PROTOS,
      files: [`grpc/reflection/${version}/reflection.proto`],
    });
    server.addService(serviceOf(protos, name), {
      ServerReflectionInfo(call: ServerDuplexStream<Request, Response>) {
        // Other members than the one of the oneof are defaults, which were not sent.
        call.on('data', (request: Request & { readonly messageRequest?: keyof Request }) => {
          const { messageRequest } = request;
          const sent =
            messageRequest === undefined ? {} : { [messageRequest]: request[messageRequest] };
          call.write({ originalRequest: request, ...answer(sent, services) });
        });
        call.on('end', () => call.end());
      },
    });
  }
};
