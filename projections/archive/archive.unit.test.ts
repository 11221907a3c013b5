/** The archive is exact, or it fails: it never skips an event. */
import { expect, test } from 'vitest';
import type { OffsetRange } from '#domain/ports/history.ts';
import type { Horizon } from '#domain/sources/horizon.ts';
import { rawCodec } from '#domain/sources/raw-codec.ts';
import { rawAvroSchema } from '#domain/sources/source-schema.ts';
import type { RawEvent } from '#domain/values/value.ts';
import { assertHistoryHasTrimmed, createArchive } from './archive.ts';

const source = {
  kind: 'source',
  name: 's',
  fields: { t: 'timestamp', n: 'int?' },
  eventTime: 't',
} as const;
const schemas = {
  versions: async () => [{ id: 7, version: 1 }],
  schema: async () => rawAvroSchema(source),
};
const events = Array.from(
  { length: 10 },
  (_, offset): RawEvent => ({
    row: { t: offset, n: offset % 2 === 0 ? null : offset },
    eventTime: offset,
    partition: 0,
    offset,
    logTime: 100 + offset,
  }),
);
const AT = { topic: 'raw.s', partition: 0 };

const archiveOf = (
  stored: readonly RawEvent[],
  horizon: Horizon | null = null,
  blockBytes?: number,
) => {
  const asked: unknown[] = [];
  const ranges: [number, number][] = [];
  const archive = createArchive({
    schemas,
    ...(blockBytes === undefined ? {} : { blockBytes }),
    history: {
      async eventsAt(_, { from, below }: OffsetRange) {
        ranges.push([from, below]);
        return stored.filter(({ offset }) => offset >= from && offset < below);
      },
      horizon: async () => horizon,
      async offsetAt(topic, { partition, below }, time) {
        asked.push([topic, partition, time]);
        return (
          stored.find(({ offset, logTime }) => offset < below && logTime > time)?.offset ?? null
        );
      },
    },
  });
  return { archive, asked, ranges };
};

const manyEvents = (count: number): RawEvent[] =>
  Array.from({ length: count }, (_, offset) => ({ ...(events[0] as RawEvent), offset }));

/** The offsets of all records, and how many each read gave. */
const readAll = async (
  { archive }: ReturnType<typeof archiveOf>,
  end: number,
): Promise<{ readonly offsets: number[]; readonly most: number }> => {
  const offsets: number[] = [];
  let most = 0;
  while (offsets.length < end) {
    const records = await archive.read(AT, offsets.length, end);
    most = Math.max(most, records.length);
    for (const { offset } of records) offsets.push(offset);
  }
  return { offsets, most };
};

test('it gives the records that the log had', async () => {
  const records = await archiveOf(events).archive.read(AT, 3, 8);
  expect(records.map(({ offset, logTime, schemaId }) => [offset, logTime, schemaId])).toEqual(
    [3, 4, 5, 6, 7].map((offset) => [offset, 100 + offset, 7]),
  );
  expect(records.map(({ value }) => rawCodec(source).decode(value))).toEqual(
    events.slice(3, 8).map(({ row }) => row),
  );
});

test('few reads of the history give many of the log, each event once', async () => {
  const stored = manyEvents(200_000);
  const found = archiveOf(stored);
  const { offsets, most } = await readAll(found, stored.length);
  expect(offsets).toEqual(stored.map(({ offset }) => offset));
  expect(most).toBe(32_768);
  expect(found.ranges).toEqual([
    [0, 32_768],
    [32_768, 163_840],
    [163_840, 200_000],
  ]);
});

test('how much is read of the history follows the size of its events', async () => {
  const stored = manyEvents(40_000);
  const bytes = rawCodec(source).encode((events[0] as RawEvent).row).length;
  const found = archiveOf(stored, null, 2_000 * bytes);
  expect((await readAll(found, stored.length)).offsets.length).toBe(40_000);
  expect(found.ranges.slice(0, 3)).toEqual([
    [0, 32_768],
    [32_768, 34_768],
    [34_768, 36_768],
  ]);
  const large = archiveOf(stored, null, 1);
  await readAll(large, stored.length);
  expect(large.ranges[1]).toEqual([32_768, 33_792]);
});

test('several readers have blocks of their own, and a read that failed is made again', async () => {
  const stored = manyEvents(70_000);
  let fails = true;
  const archive = createArchive({
    schemas,
    history: {
      async eventsAt(_, { from, below }: OffsetRange) {
        if (fails) throw new Error('the disk is gone');
        return stored.slice(from, below);
      },
      horizon: async () => null,
      offsetAt: async () => null,
    },
  });
  await expect(archive.read(AT, 0, 70_000)).rejects.toThrow('the disk is gone');
  fails = false;
  const readers = [0, 1_000, 40_000, 0, 2_000, 39_999].map((from) => ({ from, next: from }));
  while (readers.some(({ next }) => next < 70_000))
    for (const reader of readers) {
      if (reader.next === 70_000) continue;
      const records = await archive.read(AT, reader.next, 70_000);
      const wanted = records.map((_, i) => reader.next + i);
      expect(records.map(({ offset }) => offset)).toEqual(wanted);
      reader.next += records.length;
    }
});

test('an event that the history lacks is damage', async () => {
  for (const lost of [3, 5, 7]) {
    const { archive } = archiveOf(events.filter(({ offset }) => offset !== lost));
    await expect(archive.read(AT, 3, 8)).rejects.toMatchObject({
      code: 'MR_DATA_DAMAGED',
      details: { topic: 'raw.s', partition: 0, offset: lost },
    });
  }
});

test('an event that was deleted is refused, and one that is missing after it is damage', async () => {
  const horizon = { begin: [4], time: 4 };
  const { archive } = archiveOf(
    events.filter(({ offset }) => offset >= 4 && offset !== 6),
    horizon,
  );
  await expect(archive.read(AT, 3, 8)).rejects.toMatchObject({
    code: 'MR_HISTORY_TRIMMED',
    details: { source: 's' },
  });
  expect((await archive.read(AT, 4, 6)).map(({ offset }) => offset)).toEqual([4, 5]);
  await expect(archive.read(AT, 6, 8)).rejects.toMatchObject({ code: 'MR_DATA_DAMAGED' });
});

test('an offset of a time is asked for once, as long as the log has not come to it', async () => {
  const { archive, asked } = archiveOf(events);
  expect(await archive.offsetAt(AT, 3, 104)).toBeNull();
  expect(await archive.offsetAt(AT, 8, 104)).toBe(5);
  expect(await archive.offsetAt(AT, 10, 104)).toBe(5);
  expect(asked).toEqual([
    ['raw.s', 0, 104],
    ['raw.s', 0, 104],
  ]);
});

test('a trimmed log beside an older or missing history is refused', async () => {
  const log = {
    topics: async () => [{ topic: 'raw.s' }, { topic: 'features.v' }],
    kept: () => [
      { begin: 0, end: 9, oldest: 1 },
      { begin: 5, end: 9, oldest: 1 },
    ],
  };
  const check = (endOffsets: readonly number[]): Promise<void> =>
    assertHistoryHasTrimmed(log, { endOffsets: async () => endOffsets });
  await check([0, 5]);
  for (const ends of [[9, 4], [9], []])
    await expect(check(ends)).rejects.toMatchObject({
      code: 'MR_DATA_MIXED',
      details: { topic: 'raw.s', partition: 1, begin: 5, end: ends[1] ?? 0 },
    });
});
