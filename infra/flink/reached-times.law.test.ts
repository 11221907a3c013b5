/**
 * Through when a topic is complete: never later than what has been reached allows, never backwards,
 * and all when all is reached.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { reachedTimes } from './reached-times.ts';

type Step =
  | { readonly do: 'append' | 'read'; readonly partition: number; readonly n: number }
  | { readonly do: 'sample' };

const steps = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constantFrom('append' as const, 'read' as const),
      partition: fc.nat({ max: 1 }),
      n: fc.integer({ min: 1, max: 5 }),
    }),
    fc.record({ do: fc.constant('sample' as const) }),
  ),
  { minLength: 1, maxLength: 600 },
);

test('a topic of two partitions that is appended to, read and sampled in any order', () => {
  fc.assert(
    fc.property(steps, (all: readonly Step[]) => {
      const times = reachedTimes();
      const ends = [0, 0];
      const offsets = [0, 0];
      /** by partition and offset: when it was accepted */
      const accepted: number[][] = [[], []];
      let before = 0;
      all.forEach((step, now) => {
        if (step.do === 'append') {
          for (let i = 0; i < step.n; i++) accepted[step.partition]?.push(now);
          ends[step.partition] = (ends[step.partition] as number) + step.n;
        } else if (step.do === 'read') {
          offsets[step.partition] = Math.min(
            ends[step.partition] as number,
            (offsets[step.partition] as number) + step.n,
          );
        } else {
          times.seen(now, [...ends]);
          times.reached([...offsets]);
          const completeThrough = times.completeThrough();
          if (completeThrough === null) return;
          expect(completeThrough).toBeGreaterThanOrEqual(before);
          before = completeThrough;
          for (const partition of [0, 1])
            expect(
              accepted[partition]
                ?.slice(offsets[partition])
                .filter((time) => time <= completeThrough),
            ).toEqual([]);
        }
      });
      times.seen(all.length, [...ends]);
      times.reached([...ends]);
      // A moment may be left out where many are remembered; the next one that is seen is the newest
      // again.
      times.seen(all.length + 1, [...ends]);
      times.reached([...ends]);
      expect(times.completeThrough()).toBe(all.length + 1);
    }),
  );
});

test('without progress for long, few samples are kept, and the next one to be reached is among them', () => {
  const times = reachedTimes();
  for (let at = 0; at < 100_000; at++) times.seen(at, [at + 1]);
  times.reached([1_000]);
  const completeThrough = times.completeThrough() as number;
  expect(completeThrough).toBeLessThan(1_000);
  expect(completeThrough).toBeGreaterThanOrEqual(0);
});
