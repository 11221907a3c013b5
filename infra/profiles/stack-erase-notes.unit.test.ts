import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { erasureNotes } from './stack-erase-notes.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-notes-'));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('positions count once over all runs and stores, and an unfinished line does not', () => {
  const notes = erasureNotes(directory);
  expect(notes.counts('d')).toEqual({});
  expect(notes.stored('d')).toBeNull();
  const stored = { erasure: 'd', started: 1, reason: 'r', found: '{}' };
  notes.store(stored);
  notes.add('d', 'raw.b', 0, [1, 2]);
  notes.add('d', 'raw.b', 1, [1]);
  notes.add('d', 'raw.a', 0, []);
  // Another process goes on.
  const again = erasureNotes(directory);
  again.add('d', 'raw.b', 0, [2, 3]);
  appendFileSync(join(directory, 'd.removed'), 'raw.a 0 8,9');
  again.add('d', 'raw.a', 0, [7]);
  expect(again.counts('d')).toEqual({ 'raw.a': 1, 'raw.b': 4 });
  expect(again.stored('d')).toEqual(stored);
  expect(again.counts('other')).toEqual({});
});
