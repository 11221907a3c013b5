/** The times that the generations of a view answer: without gaps, and one for neighbours. */
import { expect, test } from 'vitest';
import { answeredAt, answeredTimes } from './answered-times.ts';
import type { RegistryState } from './state.ts';

const generations = [1, 2, 3].map((generation) => ({
  generation,
  version: generation,
  state: 'standby' as const,
  replay: null,
  startedAt: 0,
  finishedAt: null,
  rolledBack: false,
  error: null,
})) satisfies RegistryState['generations'];
const present = { generation: 3, version: 3 };
const timeline = [
  { generation: 1, from: 10 },
  { generation: 2, from: 20 },
  { generation: 3, from: 30 },
];

test('the present generation answers before any was live, then each from its promotion on', () => {
  const times = answeredTimes({ timeline, generations }, present);
  expect(times).toEqual([
    { generation: 3, version: 3, from: null, to: 10 },
    { generation: 1, version: 1, from: 10, to: 20 },
    { generation: 2, version: 2, from: 20, to: 30 },
    { generation: 3, version: 3, from: 30, to: null },
  ]);
  expect([9, 10, 19, 20, 29, 30].map((at) => answeredAt(times, at).generation)).toEqual([
    3, 1, 1, 2, 2, 3,
  ]);
});

test('neighbours of one generation are one time', () => {
  const single = { timeline: timeline.slice(2), generations };
  expect(answeredTimes(single, present)).toEqual([
    { generation: 3, version: 3, from: null, to: null },
  ]);
  expect(answeredTimes({ timeline, generations }, present, 2)).toEqual([
    { generation: 3, version: 3, from: null, to: 20 },
    { generation: 2, version: 2, from: 20, to: 30 },
    { generation: 3, version: 3, from: 30, to: null },
  ]);
});
