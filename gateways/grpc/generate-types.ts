/**
 * Generates `generated/`, the TypeScript types of the protos. Run it after a change of a proto; a
 * test compares the two.
 */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

export const PROTOS = join(import.meta.dirname, 'protos');
export const GENERATED = join(import.meta.dirname, 'generated');

export const generateTypes = (into: string): void => {
  const tool = join(
    ROOT,
    'node_modules',
    '@grpc',
    'proto-loader',
    'build',
    'bin',
    'proto-loader-gen-types.js',
  );
  const options = [
    '--longs=Number',
    '--enums=String',
    '--oneofs',
    '--defaults',
    '--includeComments',
    '--importFileExtension=.ts',
  ];
  execFileSync(
    process.execPath,
    [
      tool,
      ...options,
      '--grpcLib=@grpc/grpc-js',
      '-I',
      'protos',
      '-O',
      into,
      'millrace/v1/millrace.proto',
    ],
    { cwd: import.meta.dirname, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  // An index of all types, which is not used.
  rmSync(join(into, 'millrace.ts'));
};

if (process.argv[1] === import.meta.filename) generateTypes(GENERATED);
