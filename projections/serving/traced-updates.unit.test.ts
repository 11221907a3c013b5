import { expect, test } from 'vitest';
import type { TracedUpdate } from '#domain/ports/traced-updates.ts';
import { createTracedUpdates } from './traced-updates.ts';

const update = (name: string, keys: readonly string[], generation = 1): TracedUpdate => ({
  view: 'v',
  generation,
  keys,
  context: { traceparent: name },
  eventTime: 0,
  logTime: 0,
  readableAt: 0,
});
const names = (shown: readonly TracedUpdate[]): string[] =>
  shown.map(({ context }) => context.traceparent);

test('the first read of one of its entities shows an update, and no read after it', () => {
  const updates = createTracedUpdates();
  expect(updates.waits('v')).toBe(false);
  updates.note(update('first', ['a', 'b']));
  expect(updates.waits('v')).toBe(true);
  const mark = updates.mark();
  expect(names(updates.shown('v', 1, ['c'], mark))).toEqual([]);
  expect(names(updates.shown('other', 1, ['a'], mark))).toEqual([]);
  expect(names(updates.shown('v', 1, ['c', 'a'], mark))).toEqual(['first']);
  expect(names(updates.shown('v', 1, ['a', 'b'], mark))).toEqual([]);
  expect(updates.waits('v')).toBe(false);
});

test('a read does not show what became readable after it had started, nor what another generation took in', () => {
  const updates = createTracedUpdates();
  const before = updates.mark();
  updates.note(update('late', ['a']));
  expect(names(updates.shown('v', 1, ['a'], before))).toEqual([]);
  expect(names(updates.shown('v', 2, ['a'], updates.mark()))).toEqual([]);
  expect(names(updates.shown('v', 1, ['a'], updates.mark()))).toEqual(['late']);
});

test('only so many are kept: the oldest are forgotten, and an entity has its newest', () => {
  const updates = createTracedUpdates(2);
  updates.note(update('1', ['a']));
  updates.note(update('2', ['b']));
  updates.note(update('3', ['a']));
  updates.note(update('4', ['c']));
  const shown = updates.shown('v', 1, ['a', 'b', 'c'], updates.mark());
  expect(names(shown)).toEqual(['3', '4']);
});
