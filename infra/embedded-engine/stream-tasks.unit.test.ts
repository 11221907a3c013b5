/** The life of a task: in the append, behind it, after a throw, after a commit that failed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LogRecord, OutgoingRecord } from '#domain/ports/log.ts';
import type { StreamTask } from '#domain/ports/stream-task.ts';
import { openForReading } from '#infra/sqlite/database.ts';
import { sqliteLogReader } from '#infra/sqlite/log-reader.ts';
import { readAll, record, texts } from '#tests/contracts/log.contract.ts';
import { type OpenLog, openLog, temporaryDirectory } from '#tests/contracts/sqlite.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let open: OpenLog;

beforeEach(async () => {
  directory = temporaryDirectory();
  open = openLog(directory.path);
  await open.log.createTopic('in', { partitions: 2 });
  await open.log.createTopic('mid', { partitions: 1 });
  await open.log.createTopic('out', { partitions: 1 });
});
afterEach(async () => {
  await open.close();
  directory.remove();
});

/** Copies its topics to another, noting all that happens to it. */
const copier = (
  consumer: string,
  from: string,
  to: string | null,
  change: (record: LogRecord) => void = () => {},
): StreamTask & { calls: string[]; logTimes: number[] } => {
  const calls: string[] = [];
  const logTimes: number[] = [];
  return {
    consumer,
    topics: [from],
    calls,
    logTimes,
    process(records, logTime) {
      calls.push(texts(records).join(' '));
      logTimes.push(logTime);
      for (const r of records) change(r);
      const copy = ({ key, value, schemaId }: LogRecord): OutgoingRecord => ({
        topic: to as string,
        partition: 0,
        key,
        value,
        schemaId,
      });
      return { records: to === null ? [] : records.map(copy) };
    },
    committed: () => calls.push('committed'),
    rolledBack: () => {
      calls.push('rolledBack');
    },
  };
};

describe('joined', () => {
  test('output and positions are durable with the append that they react to, under one log time', async () => {
    const task = copier('c', 'in', 'out');
    const handle = open.log.run(task);
    await handle.caughtUp();
    const { logTime } = await open.log.append({
      records: [record('in', '1'), record('in', '2', { partition: 1 })],
    });
    expect(task.calls).toEqual(['1 2', 'committed']);
    expect(task.logTimes).toEqual([logTime]);
    const out = await readAll(open.log, 'out');
    expect(texts(out)).toEqual(['1', '2']);
    expect(out.map((r) => r.logTime)).toEqual([logTime, logTime]);
    expect(await open.log.committed('c', 'in')).toEqual([1, 1]);
    expect(handle.lag()).toBe(0);
    expect(handle.position().map((p) => p.offset)).toEqual([1, 1]);
  });

  test('a chain of tasks completes within the same transaction, in whichever order they were started', async () => {
    const second = copier('second', 'mid', 'out');
    open.log.run(second);
    open.log.run(copier('first', 'in', 'mid'));
    const { logTime } = await open.log.append({ records: [record('in', 'x')] });
    expect((await readAll(open.log, 'out')).map((r) => r.logTime)).toEqual([logTime]);
    expect(second.calls).toEqual(['x', 'committed']);
  });

  test('appends of one turn are one transaction: one call, one log time', async () => {
    const task = copier('c', 'in', null);
    open.log.run(task);
    const answers = await Promise.all(
      ['1', '2', '3'].map((text) => open.log.append({ records: [record('in', text)] })),
    );
    expect(task.calls).toEqual(['1 2 3', 'committed']);
    expect(new Set(answers.map((a) => a.logTime)).size).toBe(1);
    expect(answers.map((a) => a.ends[0]?.offset)).toEqual([1, 2, 3]);
  });

  test('`decoded` is handed through within the append, never stored', async () => {
    const seen: unknown[] = [];
    open.log.run(copier('c', 'in', null, (r) => seen.push(r.decoded)));
    await open.log.append({ records: [{ ...record('in', '1'), decoded: { row: 1 } }] });
    expect(seen).toEqual([{ row: 1 }]);
    expect((await readAll(open.log, 'in'))[0]).not.toHaveProperty('decoded');
  });

  test('a topic created later is consumed from its first record', async () => {
    const task = copier('c', 'new', 'out');
    await open.log.run(task).caughtUp();
    await open.log.createTopic('new', { partitions: 1 });
    await open.log.append({ records: [record('new', '1')] });
    expect(texts(await readAll(open.log, 'out'))).toEqual(['1']);
  });
});

describe('catching up', () => {
  test('processes what is there while appends go on, then joins: each record once, in order, no gap', async () => {
    for (let i = 0; i < 30; i++)
      await open.log.append({
        records: Array.from({ length: 100 }, (_, k) =>
          record('in', `${i}.${k}`, { partition: k % 2 }),
        ),
      });
    const seen = new Map<number, number>();
    const handle = open.log.run(
      copier('c', 'in', 'out', (r) => {
        expect(r.offset).toBe(seen.get(r.partition) ?? 0);
        seen.set(r.partition, r.offset + 1);
      }),
    );
    let done = false;
    const caughtUp = handle.caughtUp().then(() => (done = true));
    let during = 0;
    while (!done) {
      await open.log.append({ records: [record('in', `live ${during++}`)] });
    }
    await caughtUp;
    await open.log.append({ records: [record('in', 'last')] });
    expect(during).toBeGreaterThan(0);
    const ends = await open.log.end('in');
    expect(ends).toEqual([1500 + during + 1, 1500]);
    expect([seen.get(0), seen.get(1)]).toEqual(ends);
    expect(await open.log.end('out')).toEqual([3000 + during + 1]);
  });

  test('partitions are merged by log time, as the live run saw them', async () => {
    for (let i = 0; i < 5; i++) {
      await open.log.append({ records: [record('in', `p1 ${i}`, { partition: 1 })] });
      await sleep(2);
      await open.log.append({ records: [record('in', `p0 ${i}`)] });
      await sleep(2);
    }
    const order: string[] = [];
    await open.log.run(copier('c', 'in', null, (r) => order.push(...texts([r])))).caughtUp();
    expect(order).toEqual([0, 1, 2, 3, 4].flatMap((i) => [`p1 ${i}`, `p0 ${i}`]));
  });

  test('a stopped task is not called; started again, it continues where it stopped', async () => {
    const handle = open.log.run(copier('c', 'in', 'out'));
    await open.log.append({ records: [record('in', '1')] });
    await handle.stop();
    await open.log.append({ records: [record('in', '2')] });
    expect(texts(await readAll(open.log, 'out'))).toEqual(['1']);
    await expect(handle.caughtUp()).rejects.toMatchObject({ code: 'MR_UNAVAILABLE' });
    await open.log.run(copier('c', 'in', 'out')).caughtUp();
    expect(texts(await readAll(open.log, 'out'))).toEqual(['1', '2']);
  });

  test('two tasks of one consumer are refused', () => {
    open.log.run(copier('c', 'in', null));
    expect(() => open.log.run(copier('c', 'in', null))).toThrowError(
      expect.objectContaining({ code: 'MR_REFUSED' }),
    );
  });
});

describe('a commit that fails', () => {
  test('while catching up: the task is rolled back, awaited, and gets the same records again', async () => {
    for (let i = 0; i < 3; i++)
      await open.log.append({ records: [record('in', `${i}a`), record('in', `${i}b`)] });
    open.database.db.exec(
      "CREATE TEMP TRIGGER refuse BEFORE INSERT ON main.log_batch BEGIN SELECT RAISE(ABORT, 'no'); END",
    );
    const task = copier('c', 'in', 'out');
    let rebuilt = false;
    const handle = open.log.run({
      ...task,
      process: (records, logTime) => {
        if (task.calls.includes('rolledBack')) expect(rebuilt).toBe(true);
        return task.process(records, logTime);
      },
      rolledBack: async () => {
        task.calls.push('rolledBack');
        await sleep(60);
        open.database.db.exec('DROP TRIGGER temp.refuse');
        rebuilt = true;
      },
    });
    await handle.caughtUp();
    expect(task.calls).toEqual([
      '0a 0b 1a 1b 2a 2b',
      'rolledBack',
      '0a 0b 1a 1b 2a 2b',
      'committed',
    ]);
    expect(texts(await readAll(open.log, 'out'))).toEqual(['0a', '0b', '1a', '1b', '2a', '2b']);
    expect(handle.error()).toBeNull();
  });

  test('a task that cannot rebuild its state is stopped and says why', async () => {
    const handle = open.log.run({
      ...copier('c', 'in', 'out'),
      rolledBack: () => Promise.reject(new Error('state is gone')),
    });
    open.database.db.exec(
      "CREATE TEMP TRIGGER refuse BEFORE INSERT ON main.log_batch BEGIN SELECT RAISE(ABORT, 'no'); END",
    );
    await expect(open.log.append({ records: [record('in', '1')] })).rejects.toMatchObject({
      code: 'MR_STORAGE_FAILED',
    });
    open.database.db.exec('DROP TRIGGER temp.refuse');
    await expect(handle.caughtUp()).rejects.toThrow('state is gone');
    await open.log.append({ records: [record('in', '2')] });
    expect(await open.log.end('out')).toEqual([0]);
  });
});

describe('a task that throws', () => {
  test('its work is dropped and it stops; the append and the others go on; a new run starts it again', async () => {
    const bad = copier('bad', 'in', 'mid', (r) => {
      if (texts([r])[0] === 'poison') throw new Error('cannot take poison');
    });
    const badHandle = open.log.run(bad);
    const good = copier('good', 'in', 'out');
    open.log.run(good);
    await open.log.append({ records: [record('in', 'fine')] });
    await open.log.append({ records: [record('in', 'sugar'), record('in', 'poison')] });
    expect(badHandle.error()?.message).toBe('cannot take poison');
    expect(bad.calls).toEqual(['fine', 'committed', 'sugar poison', 'rolledBack']);
    expect(texts(await readAll(open.log, 'in'))).toEqual(['fine', 'sugar', 'poison']);
    expect(texts(await readAll(open.log, 'mid'))).toEqual(['fine']);
    expect(texts(await readAll(open.log, 'out'))).toEqual(['fine', 'sugar', 'poison']);
    expect(await open.log.committed('bad', 'in')).toEqual([1, 0]);
    await open.log.append({ records: [record('in', 'after')] });
    expect(bad.calls).toHaveLength(4);
    await expect(badHandle.caughtUp()).rejects.toThrow('cannot take poison');

    await open.log.run(copier('bad', 'in', 'mid')).caughtUp();
    expect(texts(await readAll(open.log, 'mid'))).toEqual(['fine', 'sugar', 'poison', 'after']);
  });

  test('a throw while catching up rejects caughtUp', async () => {
    await open.log.append({ records: [record('in', '1')] });
    const handle = open.log.run(
      copier('c', 'in', 'out', () => {
        throw new Error('no');
      }),
    );
    await expect(handle.caughtUp()).rejects.toThrow('no');
    expect(await open.log.end('out')).toEqual([0]);
  });

  test('output that the log refuses is the task’s error, not the producer’s', async () => {
    const handle = open.log.run(copier('c', 'in', 'no such topic'));
    await open.log.append({ records: [record('in', '1')] });
    expect(handle.error()).toMatchObject({ code: 'MR_NOT_FOUND' });
    expect(await open.log.committed('c', 'in')).toEqual([0, 0]);
  });

  test('tasks that form a cycle are stopped, and the append is kept', async () => {
    const there = open.log.run(copier('there', 'mid', 'out'));
    const back = open.log.run(copier('back', 'out', 'mid'));
    await open.log.append({ records: [record('mid', '1')] });
    expect([there.error(), back.error()].some((e) => e !== null)).toBe(true);
    expect(open.log.run({ ...copier('self', 'in', 'in') }).error()).toBeNull();
    await open.log.append({ records: [record('in', '1')] });
    expect(await open.log.end('in')).toEqual([1, 0]);
  });
});

describe('transact', () => {
  test('is durable when it returns, tasks included; a throw leaves nothing', async () => {
    open.log.run(copier('c', 'in', 'out'));
    const { ends } = open.log.transact((tx) => tx.append({ records: [record('in', '1')] }));
    expect(ends).toEqual([{ topic: 'in', partition: 0, offset: 1 }]);
    expect(texts(await readAll(open.log, 'out'))).toEqual(['1']);
    expect(() =>
      open.log.transact((tx) => {
        tx.append({ records: [record('in', '2')] });
        throw new Error('changed my mind');
      }),
    ).toThrow('changed my mind');
    expect(await open.log.end('in')).toEqual([1, 0]);
    expect(await open.log.end('out')).toEqual([1]);
  });

  test('is refused within a task', async () => {
    const handle = open.log.run(copier('c', 'in', null, () => open.log.transact(() => {})));
    await open.log.append({ records: [record('in', '1')] });
    expect(handle.error()).toMatchObject({ code: 'MR_INTERNAL' });
  });
});

describe('trim', () => {
  test('begin follows, reads and new tasks start there, and offsets go on after a restart', async () => {
    for (let i = 0; i < 4; i++)
      await open.log.append({ records: [record('in', `${i}a`), record('in', `${i}b`)] });
    await open.log.trim('in', 0, 3);
    expect(await open.log.begin('in')).toEqual([3, 0]);
    expect(
      open.database.db
        .prepare('SELECT base FROM log_batch ORDER BY base')
        .all()
        .map((b) => b.base),
    ).toEqual([2, 4, 6]);
    expect(texts(await open.log.read('in', 0, 0, 1e6))).toEqual(['1b', '2a', '2b', '3a', '3b']);
    await open.log.trim('in', 0, 99);
    expect(open.database.db.prepare('SELECT count(*) AS n FROM log_batch').get()).toEqual({ n: 0 });
    await open.close();
    open = openLog(directory.path);
    expect(await open.log.begin('in')).toEqual([8, 0]);
    const task = copier('late', 'in', null);
    await open.log.run(task).caughtUp();
    await open.log.append({ records: [record('in', 'next')] });
    expect(task.calls).toEqual(['next', 'committed']);
    expect(await open.log.end('in')).toEqual([9, 0]);
  });
});

test('another connection reads the log while it is written, each commit atomically', async () => {
  const reading = openForReading(open.database.path);
  const reader = sqliteLogReader(reading);
  open.log.run(copier('c', 'in', 'out'));
  for (let i = 0; i < 3; i++) {
    const { logTime } = await open.log.append({
      records: [record('in', `${i}`, { partition: i % 2 })],
    });
    expect(await reader.end('in')).toEqual(await open.log.end('in'));
    expect(await reader.offsetsAt('in', logTime)).toEqual(await open.log.end('in'));
    expect(await reader.committed('c', 'in')).toEqual(await open.log.end('in'));
    expect(texts(await readAll(reader, 'out'))).toHaveLength(i + 1);
  }
  await open.log.trim('in', 0, 1);
  expect(await reader.begin('in')).toEqual([1, 0]);
  expect(await reader.topics()).toEqual(
    await open.log.topics().then((all) => all.toSorted((a, b) => (a.topic < b.topic ? -1 : 1))),
  );
  reading.close();
});

test('values beyond the size of a batch are split over several, with offsets in step', async () => {
  const big = Array.from({ length: 5 }, (_, i) => ({
    topic: 'in',
    partition: 0,
    key: null,
    value: Buffer.alloc(1_800_000, i),
    schemaId: 1,
  }));
  await open.log.append({ records: big });
  const batches = open.database.db
    .prepare('SELECT base, count, length(data) AS bytes FROM log_batch ORDER BY base')
    .all();
  expect(batches.length).toBeGreaterThan(1);
  expect(batches.every((b) => Number(b.bytes) <= 4 * 1024 * 1024)).toBe(true);
  expect((await readAll(open.log, 'in')).map((r) => [r.offset, r.value[0]])).toEqual(
    [0, 1, 2, 3, 4].map((i) => [i, i]),
  );
  const huge = {
    topic: 'in',
    partition: 0,
    key: null,
    value: Buffer.alloc(17 * 1024 * 1024),
    schemaId: 1,
  };
  await expect(open.log.append({ records: [huge] })).rejects.toMatchObject({
    code: 'MR_EVENT_TOO_LARGE',
  });
});
