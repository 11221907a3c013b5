/**
 * Shared vectors: what the TypeScript does, as files that the Java module's tests are held to.
 * `node tests/vectors/generate.ts` writes them anew; a test holds the files to this script.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { aggregateVectors } from './aggregates.ts';
import { partitionVectors } from './partitions.ts';
import { scalarVectors } from './scalars.ts';

/** One vector a line, so that a change is read in a diff. */
const lines = (vectors: readonly object[]): string =>
  vectors.map((v) => `${JSON.stringify(v)}\n`).join('');

export const VECTOR_FILES: Readonly<Record<string, () => string>> = {
  'aggregates.jsonl': () => lines(aggregateVectors()),
  'partitions.jsonl': () => lines(partitionVectors()),
  'scalars.jsonl': () => lines(scalarVectors()),
};

export const vectorPath = (file: string): string => join(import.meta.dirname, file);

if (process.argv[1] === import.meta.filename)
  for (const [file, make] of Object.entries(VECTOR_FILES)) writeFileSync(vectorPath(file), make());
