/** A log with an archive: whatever is trimmed, its readers and tasks see what they saw before. */
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Archive } from '#domain/ports/archive.ts';
import type { LogRecord } from '#domain/ports/log.ts';
import type { StreamTask } from '#domain/ports/stream-task.ts';
import { readAll, record, texts } from '#tests/contracts/log.contract.ts';
import { type OpenLog, openLog, temporaryDirectory } from '#tests/contracts/sqlite.ts';

const TOPIC = 'raw.in';

let directory: ReturnType<typeof temporaryDirectory>;
let open: OpenLog;
let clock = 1_000;
/** all that was ever appended, by partition */
let records: LogRecord[][] = [[], []];
let reads = 0;

const archive: Archive = {
  async read({ partition }, from, below) {
    reads++;
    await sleep(1);
    return (records[partition] as LogRecord[]).slice(from, Math.min(below, from + 3));
  },
  async offsetAt({ partition }, below, time) {
    const found = (records[partition] as LogRecord[]).find((one) => one.logTime > time);
    return found === undefined || found.offset >= below ? null : found.offset;
  },
};

const openAgain = async (): Promise<void> => {
  open = openLog(directory.path, () => clock);
  await open.log.createTopic(TOPIC, { partitions: 2 });
  await open.log.createTopic('late.in', { partitions: 1 });
  open.log.attachArchive(archive);
};
beforeEach(async () => {
  directory = temporaryDirectory();
  [clock, records, reads] = [1_000, [[], []], 0];
  await openAgain();
});
afterEach(async () => {
  await open.close();
  directory.remove();
});

const append = async (partition: number, names: readonly string[]): Promise<void> => {
  const { logTime } = await open.log.append({
    records: names.map((name) => record(TOPIC, name, { partition, key: null })),
  });
  const list = records[partition] as LogRecord[];
  for (const name of names)
    list.push({
      ...record(TOPIC, name, { partition, key: null }),
      offset: list.length,
      logTime,
    });
};

const recorder = (consumer: string): StreamTask & { readonly seen: string[] } => {
  const seen: string[] = [];
  return {
    consumer,
    topics: [TOPIC],
    seen,
    process(taken) {
      seen.push(...texts(taken));
      return { records: [] };
    },
    committed: () => {},
    rolledBack: () => {},
  };
};

test('reads, times and new tasks are the same after any trimming, also after a restart', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          partition: fc.constantFrom(0, 1),
          count: fc.integer({ min: 1, max: 4 }),
          passes: fc.constantFrom(0, 1, 2),
          trim: fc.option(fc.integer({ min: 0, max: 20 }), { nil: null }),
          restart: fc.boolean(),
        }),
        { minLength: 1, maxLength: 12 },
      ),
      async (steps) => {
        let task = recorder('first');
        open.log.run(task);
        for (const { partition, count, passes, trim, restart } of steps) {
          clock += passes;
          const list = records[partition] as LogRecord[];
          await append(
            partition,
            Array.from({ length: count }, (_, i) => `${partition}:${list.length + i}`),
          );
          if (trim !== null) await open.log.trim(TOPIC, partition, trim);
          if (!restart) continue;
          await open.close();
          await openAgain();
          const { seen } = task;
          task = recorder('first');
          task.seen.push(...seen);
          open.log.run(task);
        }
        expect(await open.log.begin(TOPIC)).toEqual([0, 0]);
        expect(await open.log.end(TOPIC)).toEqual(records.map((list) => list.length));
        for (const [partition, list] of records.entries())
          for (const from of [0, 1, 5])
            expect(texts(await readAll(open.log, TOPIC, partition, from))).toEqual(
              texts(list.slice(from)),
            );
        for (let time = 998; time <= clock + 1; time++)
          expect([time, await open.log.offsetsAt(TOPIC, time)]).toEqual([
            time,
            records.map((list) => {
              const found = list.findIndex(({ logTime }) => logTime > time);
              return found < 0 ? list.length : found;
            }),
          ]);
        // By log time, and within one by partition: as if nothing had been trimmed.
        const again = recorder('second');
        await open.log.run(again).caughtUp();
        const wanted = records
          .flat()
          .toSorted((a, b) => a.logTime - b.logTime || a.partition - b.partition);
        expect(again.seen).toEqual(texts(wanted));
        expect([...task.seen].sort()).toEqual(texts(wanted).sort());
        await open.close();
        directory.remove();
        directory = temporaryDirectory();
        [clock, records] = [1_000, [[], []]];
        await openAgain();
      },
    ),
    { numRuns: 25 },
  );
  expect(reads).toBeGreaterThan(0);
});

test('a task whose archive fails stops with the error; one that is stopped meanwhile is not called', async () => {
  await append(0, ['a', 'b']);
  await open.log.trim(TOPIC, 0, 2);
  const stopped = recorder('stopped');
  const handle = open.log.run(stopped);
  await sleep(0);
  await handle.stop();
  open.log.attachArchive({
    ...archive,
    read: async () => {
      throw new Error('no disk');
    },
  });
  const failed = recorder('failed');
  await expect(open.log.run(failed).caughtUp()).rejects.toThrow('no disk');
  await sleep(5);
  expect([stopped.seen, failed.seen]).toEqual([[], []]);
});

test('topics without an archive begin where they were trimmed; the clock does not go back', async () => {
  clock = 50_000;
  await open.log.append({ records: [record('late.in', 'a'), record('late.in', 'b')] });
  await open.log.trim('late.in', 0, 2);
  expect(await open.log.begin('late.in')).toEqual([2]);
  expect(open.log.kept('late.in')).toEqual([{ begin: 2, end: 2, oldest: null }]);
  await open.close();
  clock = 2_000;
  await openAgain();
  const { logTime } = await open.log.append({ records: [record('late.in', 'c')] });
  expect(logTime).toBeGreaterThanOrEqual(50_000);
});

test('a large trim is several transactions, and appends go on between them', async () => {
  for (let i = 0; i < 5; i++)
    await open.log.append({
      records: [{ ...record(TOPIC, 'big', { key: null }), value: Buffer.alloc(3_900_000) }],
    });
  const trimming = open.log.trim(TOPIC, 0, 4);
  expect(open.log.kept(TOPIC)[0]?.begin, 'the first transaction').toBeLessThan(4);
  await open.log.append({ records: [record(TOPIC, 'meanwhile', { key: null })] });
  await trimming;
  expect(open.log.kept(TOPIC)[0]).toMatchObject({ begin: 4, end: 6 });
  const free = open.database.size().free;
  expect(free, 'pages that new events will use').toBeGreaterThan(4 * 3_000_000);
  const before = open.database.size().bytes;
  await open.log.append({
    records: [{ ...record(TOPIC, 'big', { key: null }), value: Buffer.alloc(3_900_000) }],
  });
  expect(open.database.size().bytes).toBe(before);
});
