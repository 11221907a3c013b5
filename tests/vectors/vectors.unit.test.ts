/**
 * The vectors in the repository are what the TypeScript makes now; the Java module's tests hold
 * Java to the same files.
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
