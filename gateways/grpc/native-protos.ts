/** The protos of Millrace's own services, for the gateway and for its client. */
import { join } from 'node:path';
import { loadProtos, type ProtoFiles } from './protos.ts';

const NATIVE_FILES: ProtoFiles = {
  directory: join(import.meta.dirname, 'protos'),
  files: ['millrace/v1/millrace.proto'],
};

export const nativeProtos = loadProtos(NATIVE_FILES);
