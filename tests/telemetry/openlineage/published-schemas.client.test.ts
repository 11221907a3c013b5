import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pythonWithOpenLineage } from '#tests/support/venv.ts';
import { PUBLISHED_SCHEMAS } from './schemas.ts';

test('published-schemas.jsonl holds the schema of the OpenLineage client that PyPI has', () => {
  const script = join(import.meta.dirname, 'published_schemas.py');
  const printed = execFileSync(pythonWithOpenLineage(), [script], { encoding: 'utf8' });
  expect(readFileSync(PUBLISHED_SCHEMAS, 'utf8')).toBe(printed);
}, 600_000);
