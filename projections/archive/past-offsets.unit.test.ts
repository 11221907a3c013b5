/** A past time that the log no longer reaches is looked up in the history. */
import { expect, test } from 'vitest';
import { pastOffsets } from './past-offsets.ts';

/** An event a time unit, at the offset of that number; the log has those from `begin` on. */
const under = (begin: number) => {
  const asked: number[] = [];
  const offsetsAt = pastOffsets(
    {
      begin: async () => [begin],
      offsetsAt: async (_topic, time) => [Math.max(begin, Math.min(10, time + 1))],
    },
    {
      async offsetAt(_topic, { from, below }, time) {
        asked.push(time);
        const offset = Math.max(from, time + 1);
        return offset < below ? offset : null;
      },
    },
  );
  return { offsetsAt, asked };
};

test('from the log while it has the time, from the history before that', async () => {
  const { offsetsAt, asked } = under(5);
  expect(await offsetsAt('raw.s', 7)).toEqual([8]);
  expect(asked).toEqual([]);
  expect(await offsetsAt('raw.s', 4)).toEqual([5]);
  expect(await offsetsAt('raw.s', 1)).toEqual([2]);
  expect(asked).toEqual([4, 1]);
});

test('a log that has everything, and a topic without a history, answer by themselves', async () => {
  const { offsetsAt, asked } = under(0);
  expect(await offsetsAt('raw.s', -1)).toEqual([0]);
  expect(await under(5).offsetsAt('rejected.s', 1)).toEqual([5]);
  expect(asked).toEqual([]);
});
