/** The guide explains every degraded mode that an answer can name, and no other. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DEGRADED_MODES } from '#domain/ports/degraded.ts';

test('the guide’s table of degraded modes lists those of the platform', () => {
  const page = readFileSync(new URL('../../docs/guides/model-serving.md', import.meta.url), 'utf8');
  const section = page.slice(page.indexOf('## Degraded modes'));
  const rows = [...section.matchAll(/^\| `([a-z-]+)` \| (.+) \| (.+) \|$/gm)];
  expect(rows.map(([, mode]) => mode)).toEqual([...DEGRADED_MODES]);
});
