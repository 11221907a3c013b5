/** Imports between the folders of the domain point one way, and SQL is printed in one of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const domain = fileURLToPath(new URL('../../domain/', import.meta.url));

/** Lines of the production files of a folder of the domain that match. */
const found = (folder: string, pattern: RegExp): readonly string[] =>
  (readdirSync(join(domain, folder), { recursive: true }) as string[])
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .flatMap((file) =>
      readFileSync(join(domain, folder, file), 'utf8')
        .split('\n')
        .filter((line) => pattern.test(line))
        .map((line) => `${folder}/${file}: ${line.trim()}`),
    );

test('values ← aggregations, expressions ← plan ← tiles ← encoding ← sql', () => {
  const imports = (...folders: readonly string[]): RegExp =>
    new RegExp(`from '#domain/(${folders.join('|')})/`);
  const above = ['plan', 'tiles', 'encoding', 'sql'];
  expect(found('values', imports('aggregations', 'expressions', ...above))).toEqual([]);
  expect(found('aggregations', imports(...above))).toEqual([]);
  expect(found('expressions', imports(...above))).toEqual([]);
  expect(found('plan', imports('tiles', 'encoding', 'sql'))).toEqual([]);
  expect(found('tiles', imports('encoding', 'sql'))).toEqual([]);
  expect(found('encoding', imports('sql'))).toEqual([]);
});

test('aggregations, expressions and plans contain no SQL of an engine', () => {
  for (const folder of ['aggregations', 'expressions', 'plan', 'tiles', 'encoding'])
    expect(found(folder, /\bMR_[A-Z0-9_]+\(|\bCAST\(|\bCOALESCE\(/)).toEqual([]);
});
