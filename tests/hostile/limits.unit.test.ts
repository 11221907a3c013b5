/** The operators' page states the limits of the code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '#gateways/shared/limits.ts';
import { WHILE_RESTARTING } from '../../bench/soak/errors.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/guides/operator.md'), 'utf8');

test('the page lists every limit with its default', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map(([, name, value]) => [
    name,
    Number(value),
  ]);
  expect(Object.fromEntries(rows)).toEqual(DEFAULT_LIMITS);
});

test('the page lists every code that a client may see while a part restarts', () => {
  const section = page.slice(page.indexOf('## What clients may see'));
  const codes = [...WHILE_RESTARTING].filter((code) => code.startsWith('MR_'));
  expect(codes.filter((code) => !section.includes(code))).toEqual([]);
});
