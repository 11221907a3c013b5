/**
 * Random interleavings of appends, task starts and stops, commits that fail, and crashes. A crash
 * opens a copy of the files as they are at that moment (the process left as it is), or with the
 * tail of the WAL torn off at any byte, as a power cut might.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TaskHandle } from '#domain/ports/stream-task.ts';
import { record } from '#tests/contracts/log.contract.ts';
import { type OpenLog, openLog, temporaryDirectory } from '#tests/contracts/sqlite.ts';
import { createTopics, expectFold, summingTask } from '#tests/contracts/summing-task.ts';

type Step =
  | { readonly act: 'append'; readonly batches: readonly (readonly number[])[] }
  | { readonly act: 'start' }
  | { readonly act: 'stop' }
  | { readonly act: 'fail' }
  | { readonly act: 'turn' }
  | { readonly act: 'crash'; readonly torn: number | null };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constant('append' as const),
      batches: fc.array(fc.array(fc.nat(9), { maxLength: 5 }), { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Step>(
      { act: 'start' },
      { act: 'stop' },
      { act: 'fail' },
      { act: 'turn' },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('crash' as const),
      torn: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    }),
  },
);

/** By a child process: closing a file of an open database in this one would drop its locks. */
const copyFiles = (from: string, to: string): void => {
  mkdirSync(to);
  spawnSync('cp', [join(from, 'millrace.db'), join(from, 'millrace.db-wal'), to]);
};

test('whatever happens: no acknowledged record is lost, output is a fold of the input, exactly once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 16 }), async (steps) => {
      const root = temporaryDirectory();
      let generation = 0;
      let path = root.path;
      const opened: OpenLog[] = [openLog(path)];
      let { log, database } = opened[0] as OpenLog;
      let handle: TaskHandle | null = null;
      let acknowledged = 0;
      await createTopics(log);
      try {
        for (const it of steps) {
          if (it.act === 'append') {
            const sending = it.batches.map((batch, i) =>
              log.append({
                records: batch.map((n) => record('numbers', `${n}`, { partition: (n + i) % 2 })),
              }),
            );
            await Promise.all(sending);
            acknowledged += it.batches.flat().length;
          } else if (it.act === 'start') {
            if (handle === null) handle = log.run(await summingTask(log));
          } else if (it.act === 'stop') {
            await handle?.stop();
            handle = null;
          } else if (it.act === 'turn') {
            await new Promise((resolve) => setImmediate(resolve));
          } else if (it.act === 'fail') {
            database.db.exec(
              'CREATE TEMP TRIGGER refuse BEFORE INSERT ON main.log_batch BEGIN SELECT RAISE(ABORT, "no"); END',
            );
            await expect(log.append({ records: [record('numbers', '5')] })).rejects.toMatchObject({
              code: 'MR_STORAGE_FAILED',
            });
            database.db.exec('DROP TRIGGER temp.refuse');
          } else {
            const copy = join(root.path, `crash-${generation++}`);
            copyFiles(path, copy);
            const wal = join(copy, 'millrace.db-wal');
            if (it.torn !== null) truncateSync(wal, Math.floor(statSync(wal).size * it.torn));
            path = copy;
            opened.push(openLog(path));
            ({ log, database } = opened.at(-1) as OpenLog);
            handle = null;
            await createTopics(log);
            const { numbers } = await expectFold(log);
            const found = numbers.flat().length;
            if (it.torn === null) expect(found).toBe(acknowledged);
            else expect(found).toBeLessThanOrEqual(acknowledged);
            acknowledged = found;
          }
        }
        handle ??= log.run(await summingTask(log));
        await handle.caughtUp();
        await log.append({ records: [record('numbers', '1')] });
        const { numbers, behind } = await expectFold(log);
        expect(numbers.flat()).toHaveLength(acknowledged + 1);
        expect(behind).toBe(0);
      } finally {
        for (const each of opened) await each.close();
        root.remove();
      }
    }),
    { numRuns: 60 },
  );
});
