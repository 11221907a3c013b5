/**
 * A topic is nudged where a job's known place stands before its end for longer than a checkpoint
 * takes, and less and less often.
 */
import { expect, test } from 'vitest';
import { createQuietTopics, type Reading } from './quiet-topics.ts';

const reading = (lag: number, computed = 10, id = 'a#1', topic = 'raw.a'): Reading => ({
  topic,
  id,
  computed,
  lag,
});

test('no nudge while everything is computed, nor while the job makes progress', () => {
  const quiet = createQuietTopics();
  for (let now = 0; now < 60_000; now += 200) expect(quiet([reading(0)], now)).toEqual([]);
  for (let now = 0; now < 60_000; now += 200) expect(quiet([reading(5, now)], now)).toEqual([]);
});

test('one nudge a topic, however many jobs read it, after a little more than a second', () => {
  const quiet = createQuietTopics();
  const both = [reading(2), reading(2, 7, 'b#1')];
  const nudged = Array.from({ length: 10 }, (_, i) => quiet(both, i * 200)).flat();
  expect(nudged).toEqual(['raw.a']);
});

test('the waiting time starts again with the next event, not with the last nudge', () => {
  const quiet = createQuietTopics();
  quiet([reading(2)], 0);
  expect(quiet([reading(2)], 1_200)).toEqual(['raw.a']);
  expect(quiet([reading(0, 12)], 1_400)).toEqual([]);
  expect(quiet([reading(2, 12)], 50_000)).toEqual([]);
  expect(quiet([reading(2, 12)], 51_200)).toEqual(['raw.a']);
});

test('a job that never makes progress is nudged every 30 s in the end', () => {
  const quiet = createQuietTopics();
  const times = Array.from({ length: 3_000 }, (_, i) => i * 200).filter(
    (now) => quiet([reading(2)], now).length > 0,
  );
  const last = times.slice(-5);
  expect(last.map((time, i) => time - (last[i - 1] ?? 0)).slice(1)).toEqual([
    30_000, 30_000, 30_000, 30_000,
  ]);
  expect(times.length).toBeLessThan(35);
});
