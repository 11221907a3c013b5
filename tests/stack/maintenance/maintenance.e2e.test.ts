/**
 * The history's tables are compacted while they are appended to: fewer files, the same rows, the
 * same answers, and a writer that continues, also after a crash.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { col, count, entity, featureView, last, source, sum } from '#domain/definitions/index.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import type { Value } from '#domain/values/value.ts';
import { flinkCluster } from '#infra/flink/cluster.ts';
import { MAINTENANCE_LIMITS, maintainTables } from '#infra/flink/maintenance.ts';
import { ARCHIVE_JOB } from '#infra/flink/sql/names.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { type HistoryReader, historyReader } from '#infra/shared/iceberg/reader.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import {
  caller,
  type StackPlatform,
  stackPlatform,
  uniqueName,
  until,
} from '#tests/stack/support/platform.ts';
import { icebergTables } from '#tests/stack/support/warehouse.ts';
import { finished, plain } from '#tests/support/platform.ts';

const card = entity({ name: uniqueName('card'), keys: { card: 'string' } });
const payments = source({
  name: uniqueName('payments'),
  fields: { at: 'timestamp', card: 'string', amount: 'double', number: 'long' },
  eventTime: 'at',
  partitions: 2,
});
const spending = featureView({
  name: uniqueName('spending'),
  entity: card,
  source: payments,
  features: {
    count_1d: count({ window: '1d' }),
    sum_1d: sum(col('amount'), { window: '1d' }),
    last_number: last(col('number')),
  },
});
const raw = rawTopic(payments.name);
const updates = featuresTopic(spending.name);
const features = ['count_1d', 'sum_1d', 'last_number'].map((name) => `${spending.name}:${name}`);
const entities = ['a', 'b', 'c'].map((name) => ({ card: name }));

/** No table becomes due by itself. */
const BY_HAND = { everyCommits: Number.POSITIVE_INFINITY };
const FEW = { ...MAINTENANCE_LIMITS, minFiles: 2 };
const NOTHING_OLD = { ...FEW, keepSnapshots: 1, keepSnapshotsMs: 0 };

let stack: StackPlatform;
let reader: HistoryReader;
let directory: string;
let published = 0;
let position = '';

const maintain = (topics: readonly string[], limits = FEW) =>
  maintainTables({ gateway: addresses().sqlGateway, tables: icebergTables() }, topics, limits);

const publish = async (n: number): Promise<void> => {
  const now = Date.now();
  const events = Array.from({ length: n }, (_, i) => ({
    at: now,
    card: entities[(published + i) % 3]?.card as string,
    amount: ((published + i) % 100) / 8,
    number: published + i,
  }));
  ({ position } = await stack.platform.publishing.publish(
    { source: payments.name, events },
    caller,
  ));
  published += n;
};

/** Publishes until the work is done, so that every checkpoint has something to commit. */
const underLoad = async <T>(work: () => Promise<T>): Promise<T> => {
  let done = false;
  const load = (async () => {
    while (!done) {
      await publish(5);
      await sleep(50);
    }
  })();
  try {
    return await work();
  } finally {
    done = true;
    await load;
  }
};

const numbers = async (snapshot?: bigint): Promise<number[]> => {
  const found: number[] = [];
  const query = {
    source: payments.name,
    fields: ['number'],
    ...(snapshot === undefined ? {} : { snapshot }),
  };
  for await (const events of reader.scan(query))
    for (const { row } of events) found.push(row.number as number);
  return found.sort((a, b) => a - b);
};

/** Waits until the table has every event, and checks that it has each once. */
const expectEachOnce = async (): Promise<void> => {
  await until(
    'the table has what was published',
    async () => (await numbers()).length >= published,
  );
  expect(await numbers()).toEqual(Array.from({ length: published }, (_, i) => i));
};

const fileCount = async (topic: string): Promise<number> => (await reader.dataFiles(topic)).length;

const readAt = async (known: number): Promise<readonly (readonly Value[])[]> =>
  (await stack.platform.serving.read({ features, entities, at: known, known })).values;

const trainingSet = async (known: number): Promise<string> => {
  const out = join(directory, `${uniqueName('set')}.csv`);
  const rows = entities.map((one) => ({ ...one, event_timestamp: known }));
  const started = await stack.platform.datasets.start(
    { target: { view: spending.name }, spine: { rows }, out, mode: 'event-time', known },
    caller,
  );
  expect(await finished(stack.platform, started)).toMatchObject({ state: 'done', error: null });
  return readFileSync(out, 'utf8');
};

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-maintenance-'));
  stack = await stackPlatform({ maintenance: BY_HAND });
  reader = historyReader(
    icebergTables(),
    await openDuckDb({
      memoryLimit: '512MB',
      threads: 1,
      spillDirectory: join(directory, 'spill'),
    }),
  );
  await stack.platform.registry.apply(plain(card, payments, spending), {}, caller);
});

afterAll(async () => {
  reader?.close();
  await stack?.dispose();
  rmSync(directory, { recursive: true, force: true });
});

test('a table that is compacted while it is appended to has fewer files, every row once, and the same answers about the past', async () => {
  await underLoad(() =>
    until(
      'there are many small files',
      async () => (await fileCount(raw)) >= 12 && (await fileCount(updates)) >= 12,
      180_000,
    ),
  );
  await expectEachOnce();
  const known = Date.now();
  const before = {
    files: await fileCount(raw),
    pinned: (await reader.snapshot(raw))?.id as bigint,
    numbers: await numbers(),
    answers: await readAt(known),
    set: await trainingSet(known),
    updates: (await reader.updates(spending.name, { key_card: 'a' })).length,
  };

  const done = await underLoad(() => maintain([raw, updates]));
  expect(done.map(({ topic }) => topic).sort()).toEqual([updates, raw].sort());
  for (const { filesReplaced, filesWritten, snapshotsExpired } of done) {
    expect(filesReplaced).toBeGreaterThanOrEqual(12);
    expect(filesWritten).toBeLessThanOrEqual(2);
    expect(snapshotsExpired).toBe(0);
  }
  const replaced = done.find(({ topic }) => topic === raw)?.filesReplaced as number;

  // Appended to meanwhile, each row once.
  await expectEachOnce();
  expect(published).toBeGreaterThan(before.numbers.length);
  const now = (await reader.dataFiles(raw)).length;
  expect(now).toBeLessThan(before.files + replaced);
  // A reader that pinned a snapshot can still read it: the replaced files exist as long as the
  // snapshot does.
  expect(await numbers(before.pinned)).toEqual(before.numbers);
  expect(await readAt(known)).toEqual(before.answers);
  expect(await trainingSet(known)).toBe(before.set);
  expect((await reader.updates(spending.name, { key_card: 'a' })).length).toBeGreaterThanOrEqual(
    before.updates,
  );
  await until(
    'a read shows all',
    async () => (await readAt(Date.now()))[0]?.[0] === Math.ceil(published / 3),
  );
});

test('a table’s end offsets are the same after compaction, also with files of several partitions', async () => {
  await expectEachOnce();
  const before = await reader.endOffsets(raw);
  await maintain([raw]);
  expect(await fileCount(raw)).toBeLessThanOrEqual(2);
  expect(await reader.endOffsets(raw)).toEqual(before);
  expect(position).not.toBe('');
});

test('old snapshots are removed with their files, and a read of one is refused', async () => {
  const pinned = (await reader.snapshot(raw))?.id as bigint;
  await underLoad(() =>
    until('the table moved on', async () => (await reader.snapshot(raw))?.id !== pinned),
  );
  await expectEachOnce();
  const [done] = await maintain([raw], NOTHING_OLD);
  expect(done?.snapshotsExpired).toBeGreaterThan(10);
  await expect(numbers(pinned)).rejects.toMatchObject({ code: 'MR_NOT_FOUND' });
  await expectEachOnce();
});

test('a writer that crashes after its snapshots expired commits nothing twice', async () => {
  const cluster = flinkCluster(addresses().flink);
  for (let round = 0; round < 3; round++) {
    await underLoad(async () => {
      await maintain([raw, updates], NOTHING_OLD);
      const job = (await cluster.jobs()).find(
        ({ name, state }) => name === ARCHIVE_JOB && state === 'RUNNING',
      );
      await cluster.cancel(job?.id as string);
      await until('the leader has started it again', async () =>
        (await cluster.jobs()).some(
          ({ name, state, id }) => name === ARCHIVE_JOB && state === 'RUNNING' && id !== job?.id,
        ),
      );
    });
    await expectEachOnce();
  }
});

test('the leading gateway maintains the tables as they become due', async () => {
  await stack.dispose();
  stack = await stackPlatform({ maintenance: { limits: FEW, everyCommits: 10, pollMs: 500 } });
  const compactions = async (): Promise<number> =>
    (await fileCount(raw)) + (await fileCount(updates));
  await underLoad(async () => {
    let most = 0;
    await until(
      'files became fewer',
      async () => {
        const files = await compactions();
        most = Math.max(most, files);
        return files < most - 4;
      },
      180_000,
    );
  });
  await expectEachOnce();
  expect(stack.warnings.filter((warning) => warning.includes('not maintained'))).toEqual([]);
});
