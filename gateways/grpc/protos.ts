/** Loads protos at run time, with the options of the generated types: there is no build step. */
import { loadSync, type PackageDefinition, type ServiceDefinition } from '@grpc/proto-loader';
import { withBrokenMessages } from './broken-message.ts';

export interface ProtoFiles {
  /** directory of the files and their imports */
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

/** Its handlers must be made by `unary` or `duplex`, which refuse messages that are not valid. */
export const serviceOf = (protos: PackageDefinition, name: string): ServiceDefinition => {
  const found = protos[name];
  if (found === undefined || 'format' in found)
    throw new Error(`the protos have no service ${name}`);
  return withBrokenMessages(found);
};
