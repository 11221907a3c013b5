import { expect, test } from 'vitest';
import type { LogRecord } from '#domain/ports/log.ts';
import { settledOffsets } from './settled-offsets.ts';

/** A partition with records at these offsets. */
const world = (...offsets: readonly number[]) => {
  const at = { reads: [] as number[], records: offsets };
  const settle = settledOffsets(
    {
      async read(_topic, _partition, from) {
        at.reads.push(from);
        return at.records
          .filter((offset) => offset >= from)
          .map((offset) => ({ offset }) as LogRecord);
      },
    },
    'raw.clicks',
  );
  return { at, settle: async (offset: number, end: number) => (await settle([offset], [end]))[0] };
};

test('an offset before markers only is at the end, and one before a record is not', async () => {
  const { settle } = world(10);
  expect(await settle(11, 14)).toBe(14);
  expect(await settle(10, 14)).toBe(10);
  expect(await settle(14, 14)).toBe(14);
});

test('far from the end, an offset that stands still is looked at, once', async () => {
  const { at, settle } = world(10, 500);
  expect(await settle(11, 1_000), 'it may move').toBe(11);
  expect(at.reads).toEqual([]);
  for (let i = 0; i < 3; i++) expect(await settle(11, 1_000)).toBe(11);
  expect(at.reads).toEqual([11]);
  for (let i = 0; i < 3; i++) await settle(501, 1_000);
  expect(await settle(501, 1_000)).toBe(1_000);
  expect(at.reads).toEqual([11, 501]);
});

test('what is known to be empty is not read again when more is appended', async () => {
  const { at, settle } = world(10);
  await settle(11, 500);
  expect(await settle(11, 500)).toBe(500);
  expect(await settle(11, 510)).toBe(510);
  at.records = [10, 511];
  expect(await settle(11, 520)).toBe(11);
  expect(at.reads).toEqual([11, 500, 510]);
});
