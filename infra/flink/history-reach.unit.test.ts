/** Offsets without a record, once Kafka has deleted them, are told from events that are lost. */
import { expect, test } from 'vitest';
import type { LogRecord } from '#domain/ports/log.ts';
import type { TopicNote, TopicNotes } from '#domain/ports/topic-notes.ts';
import { historyReach, noteErasedEnds } from './history-reach.ts';

const T = 'raw.s';

/** One partition with records at some offsets, which deletes by itself. */
const under = (records: readonly number[], end: number, note: TopicNote | null = null) => {
  const state = { begin: 0, end, note };
  const notes: TopicNotes = {
    find: async () => state.note,
    async write(_topic, written) {
      state.note = written;
    },
  };
  const reach = historyReach({
    log: {
      begin: async () => [state.begin],
      end: async () => [state.end],
      read: async (_topic, _partition, from) =>
        records
          .filter((offset) => offset >= Math.max(from, state.begin))
          .map((offset) => ({ offset }) as LogRecord),
    },
    notes,
  });
  return { state, reach, notes };
};

test('a marker behind the last record is noted while it is there', async () => {
  const { state, reach } = under([0, 1, 2], 4);
  await reach.observe(T, [3]);
  state.begin = 4;
  expect(await reach.reached(T, [3])).toEqual([4]);
  await reach.observe(T, [3]);
  expect(await reach.reached(T, [3])).toEqual([4]);
});

test('noted offsets grow, and belong to the offset before them', async () => {
  const { state, reach } = under([0, 1, 2, 7], 6);
  await reach.observe(T, [3]);
  state.end = 8;
  await reach.observe(T, [3]);
  expect(state.note?.empty).toEqual([{ from: 3, below: 7 }]);
  state.begin = 7;
  expect(await reach.reached(T, [3])).toEqual([7]);
  expect(await reach.reached(T, [2]), 'a table that was taken back').toEqual([2]);
});

test('records that are deleted before the history has them are lost', async () => {
  const { state, reach } = under([0, 1, 2, 3, 4], 6);
  await reach.observe(T, [2]);
  state.begin = 4;
  await reach.observe(T, [2]);
  expect(await reach.reached(T, [2])).toEqual([2]);
  await reach.observe(T, [5]);
  expect(await reach.reached(T, [5])).toEqual([5]);
});

test('the first look at a topic takes what is gone for known, if it has a history', async () => {
  const { state, reach } = under([9], 10);
  state.begin = 9;
  await reach.observe(T, [6]);
  expect(await reach.reached(T, [6])).toEqual([9]);
  const none = under([9], 10);
  none.state.begin = 9;
  await none.reach.observe(T, []);
  expect(await none.reach.reached(T, [])).toEqual([0]);
});

test('the last records of a topic that Kafka has deleted are erased from the history', async () => {
  const { state, reach, notes } = under([0, 1, 2, 3, 4], 6);
  await reach.observe(T, [5]);
  state.begin = 6;
  await noteErasedEnds(notes, T, [{ partition: 0, all: 5, staying: 2 }]);
  expect(await reach.reached(T, [5]), 'killed before the commit').toEqual([6]);
  expect(await reach.reached(T, [2])).toEqual([6]);
  await reach.observe(T, [2]);
  // Run again, and with another entity whose rows are the last ones now.
  await noteErasedEnds(notes, T, [{ partition: 0, all: 2, staying: 2 }]);
  expect(await reach.reached(T, [2])).toEqual([6]);
  await noteErasedEnds(notes, T, [{ partition: 0, all: 2, staying: 0 }]);
  await reach.observe(T, []);
  expect(await reach.reached(T, [])).toEqual([6]);
});

test('what the platform itself deleted only grows', async () => {
  const { reach } = under([0], 2);
  expect(await reach.trimmed(T)).toEqual([]);
  await reach.trims(T, [5]);
  await reach.trims(T, [3]);
  await reach.observe(T, [1]);
  expect(await reach.trimmed(T)).toEqual([5]);
});
