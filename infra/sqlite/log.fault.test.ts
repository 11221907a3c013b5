/** A full disk, and a process killed at any moment. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { record } from '#tests/contracts/log.contract.ts';
import { openLog, temporaryDirectory } from '#tests/contracts/sqlite.ts';
import { createTopics, expectFold, summingTask } from '#tests/contracts/summing-task.ts';

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory.remove());

test('a full disk: the append says so and leaves nothing; with space again, appends and tasks go on', async () => {
  const open = openLog(directory.path);
  const { log, database } = open;
  await createTopics(log);
  const handle = log.run(await summingTask(log));
  await log.append({ records: [record('numbers', '1')] });

  const pages = (database.db.prepare('PRAGMA page_count').get() as { page_count: number })
    .page_count;
  database.db.exec(`PRAGMA max_page_count = ${pages + 2}`);
  const big = (): Promise<unknown> =>
    log.append({
      records: Array.from({ length: 3000 }, () => record('numbers', '0000000000000000002')),
    });
  for (let i = 0; i < 3; i++)
    await expect(big()).rejects.toMatchObject({ code: 'MR_DISK_FULL', status: 507 });
  expect(await log.end('numbers')).toEqual([1, 0]);
  expect(await log.end('sums')).toEqual([1]);

  database.db.exec('PRAGMA max_page_count = 1073741823');
  await log.append({ records: [record('numbers', '3')] });
  await big();
  await handle.caughtUp();
  await log.append({ records: [record('numbers', '4')] });
  const { numbers, behind } = await expectFold(log);
  expect(numbers[0]).toHaveLength(3003);
  expect(behind).toBe(0);
  expect(handle.error()).toBeNull();
  await open.close();
});

test('kill -9 of a process that appends: everything acknowledged is there, and the task’s output is its fold', async () => {
  for (const delay of [40, 90, 160]) {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, '../../tests/contracts/append-until-killed.ts'), directory.path],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const acknowledged = [0, 0];
    let unread = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (unread + text).split('\n');
      unread = lines.pop() as string;
      for (const line of lines) {
        const [partition, end] = line.split(' ').map(Number) as [number, number];
        acknowledged[partition] = Math.max(acknowledged[partition] as number, end);
      }
    });
    await once(child.stdout, 'data');
    await sleep(delay);
    child.kill('SIGKILL');
    await once(child, 'close');

    expect(acknowledged[0]).toBeGreaterThan(0);
    const open = openLog(directory.path);
    await createTopics(open.log);
    const { numbers, behind } = await expectFold(open.log);
    expect(numbers[0]?.length).toBeGreaterThanOrEqual(acknowledged[0] as number);
    expect(numbers[1]?.length).toBeGreaterThanOrEqual(acknowledged[1] as number);
    expect(behind).toBe(0);
    await open.close();
  }
});
