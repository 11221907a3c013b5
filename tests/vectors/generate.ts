/**
 * Shared vectors: inputs and results of the TypeScript implementation, in files that the tests of
 * the Java module compare with. `node tests/vectors/generate.ts` rewrites them; a test compares the
 * files with this script.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { aggregateVectors } from './aggregates.ts';
import { joinVectors } from './joins.ts';
import { partitionVectors } from './partitions.ts';
import { scalarVectors } from './scalars.ts';

/** One vector per line, so that a diff shows changes. */
const lines = (vectors: readonly object[]): string =>
  vectors.map((v) => `${JSON.stringify(v)}\n`).join('');

export const VECTOR_FILES: Readonly<Record<string, () => string>> = {
  'aggregates.jsonl': () => lines(aggregateVectors()),
  'joins.jsonl': () => lines(joinVectors()),
  'partitions.jsonl': () => lines(partitionVectors()),
  'scalars.jsonl': () => lines(scalarVectors()),
};

export const vectorPath = (file: string): string => join(import.meta.dirname, file);

if (process.argv[1] === import.meta.filename)
  for (const [file, make] of Object.entries(VECTOR_FILES)) writeFileSync(vectorPath(file), make());
