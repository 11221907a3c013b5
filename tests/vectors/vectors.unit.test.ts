/**
 * The vectors in the repository equal the current results of the TypeScript; the Java module's
 * tests use the same files.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { VECTOR_FILES, vectorPath } from './generate.ts';

describe('shared vectors', () => {
  it.each(Object.entries(VECTOR_FILES))(
    '%s is what `node tests/vectors/generate.ts` writes',
    (file, make) => {
      expect(readFileSync(vectorPath(file), 'utf8')).toBe(make());
    },
  );
});
