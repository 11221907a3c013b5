/** The page of errors and the guides agree with the table of errors. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ERRORS } from '#domain/errors.ts';
import {
  ERRORS_PAGE,
  errorsPage,
  PYTHON_ERRORS,
  pythonErrors,
} from '#scripts/generate/errors-page.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

test('docs/ERRORS.md is generated from the table (node scripts/generate/errors-page.ts)', () => {
  expect(readFileSync(ERRORS_PAGE, 'utf8')).toBe(errorsPage());
  expect(readFileSync(PYTHON_ERRORS, 'utf8')).toBe(pythonErrors());
});

test('every code that the Python package raises or expects is in the table', () => {
  const modules = join(ROOT, 'python', 'src', 'millrace');
  const codes = readdirSync(modules)
    .filter((name) => name.endsWith('.py'))
    .flatMap((name) => readFileSync(join(modules, name), 'utf8').match(/MR_[A-Z_]*[A-Z]/g) ?? []);
  expect(codes.length).toBeGreaterThan(Object.keys(ERRORS).length);
  expect(codes.filter((code) => !(code in ERRORS))).toEqual([]);
});

test('every code that the guides name is in the table', () => {
  const guides = join(ROOT, 'docs', 'guides');
  for (const name of readdirSync(guides)) {
    const codes = readFileSync(join(guides, name), 'utf8').match(/MR_[A-Z_]*[A-Z]/g) ?? [];
    for (const code of codes) expect(Object.keys(ERRORS), `${name} names ${code}`).toContain(code);
  }
});
