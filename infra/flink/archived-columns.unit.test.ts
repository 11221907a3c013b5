/** Which changes replace the archive job: an apply waits for it only then. */
import { expect, test } from 'vitest';
import { source } from '#domain/definitions/index.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { parseDefinition } from '#domain/definitions/parse.ts';
import { createArchivedColumns } from './archived-columns.ts';

const fields = { at: 'timestamp', shop: 'string' } as const;
const sales = (more: object = {}): SourceDefinition =>
  parseDefinition(
    JSON.parse(JSON.stringify(source({ name: 'sales', fields, eventTime: 'at', ...more }))),
  ) as SourceDefinition;
const LONG = { base: 'long', array: false, nullable: true } as const;
const logged = (names: readonly string[]) => ({
  service: 'offers',
  keys: [],
  request: [],
  features: names.map((name) => ({ name, type: LONG })),
});

test('new columns do; other properties, and what is new, do not', () => {
  const { note } = createArchivedColumns();
  expect(note([sales()], [])).toBe(false);
  expect(note([sales({ description: 'of all shops', owner: 'shops' })], [])).toBe(false);
  expect(note([sales({ keepHistory: '30d' })], [logged(['n'])])).toBe(false);
  expect(note([sales({ fields: { ...fields, amount: 'double?' } })], [logged(['n'])])).toBe(true);
  expect(note([sales({ fields: { ...fields, amount: 'double?' } })], [logged(['n', 'm'])])).toBe(
    true,
  );
  expect(note([], [])).toBe(false);
});
