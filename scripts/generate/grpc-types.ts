/**
 * Writes gateways/grpc/generated: the TypeScript types of Millrace's own proto. Run `node
 * scripts/generate/grpc-types.ts` after a change of the proto; a test compares the two.
 */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

const GRPC = join(ROOT, 'gateways', 'grpc');
export const GENERATED = join(GRPC, 'generated');

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
    { cwd: GRPC, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  // The tool also writes an index of all types, which nothing imports.
  rmSync(join(into, 'millrace.ts'));
};

if (process.argv[1] === import.meta.filename) generateTypes(GENERATED);
