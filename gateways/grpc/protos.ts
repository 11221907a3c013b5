/** Protos as they are loaded: no build step, and the same options as the generated types have. */
import { loadSync, type PackageDefinition, type ServiceDefinition } from '@grpc/proto-loader';
import { withBrokenMessages } from './broken-message.ts';

export interface ProtoFiles {
  /** where the files and their imports are */
  readonly directory: string;
  readonly files: readonly string[];
}

export const loadProtos = ({ directory, files }: ProtoFiles): PackageDefinition =>
  loadSync([...files], {
    includeDirs: [directory],
    longs: Number,
    enums: String,
    oneofs: true,
    defaults: true,
  });

/** Its handlers are to be made by `unary` or `duplex`, which refuse what could not be read. */
export const serviceOf = (protos: PackageDefinition, name: string): ServiceDefinition => {
  const found = protos[name];
  if (found === undefined || 'format' in found)
    throw new Error(`the protos have no service ${name}`);
  return withBrokenMessages(found);
};
