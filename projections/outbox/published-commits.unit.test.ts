/**
 * A registry that lacks what it published, or has something else, is found by its topic; and takes
 * from it what it lacks, as it was.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Commit, EventStore } from '#domain/ports/event-store.ts';
import { encodeCommit } from '#domain/registry/registry-record.ts';
import { sqliteEventStore } from '#infra/sqlite/event-store.ts';
import { publishOutbox } from '#projections/outbox/publish-outbox.ts';
import {
  publishAgain,
  registryContradiction,
  registryRecord,
  takeMissingCommits,
} from '#projections/outbox/published-commits.ts';
import { newCommit } from '#tests/contracts/event-store.contract.ts';
import { type OpenLog, openLog, temporaryDirectory } from '#tests/contracts/sqlite.ts';

interface Registry {
  readonly store: EventStore;
  readonly open: OpenLog;
}
const directories: ReturnType<typeof temporaryDirectory>[] = [];
const registries: Registry[] = [];
const registry = (): Registry => {
  const directory = temporaryDirectory();
  const open = openLog(directory.path);
  directories.push(directory);
  registries.push({ store: sqliteEventStore(open.database), open });
  return registries.at(-1) as Registry;
};
let mine: Registry;
const all = (store: EventStore): Promise<readonly Commit[]> => store.readAll(0, 1_000);
const commit = (name: string, principal?: string) => {
  const made = newCommit('s', [name]);
  const command = { ...made.command, id: `c-${name}`, data: { a: [1, null], name } };
  return { ...made, command: principal === undefined ? command : { ...command, principal } };
};
const COMMITS = 150;

/** A registry whose commits are all in its topic. */
beforeEach(async () => {
  mine = registry();
  for (let i = 0; i < COMMITS; i++)
    await mine.store.append(commit(`E${i}`, i % 2 === 0 ? `p${i}` : undefined), i);
  await mine.store.append(newCommit('s', [], { code: 'MR_REFUSED', message: 'no' }), null);
  const outbox = await publishOutbox(mine.store, mine.open.log, (one) => [registryRecord(one, 1)]);
  await outbox.published(COMMITS + 1);
  await outbox.stop();
});
afterEach(async () => {
  for (const { open } of registries.splice(0)) await open.close();
  for (const directory of directories.splice(0)) directory.remove();
});

/** A registry with the first commits. */
const yesterday = async (commits: number): Promise<EventStore> => {
  const { store } = registry();
  for (let i = 0; i < commits; i++)
    await store.append(commit(`E${i}`, i % 2 === 0 ? `p${i}` : undefined), i);
  return store;
};

test.each([0, 1, 70, COMMITS])(
  'a registry with %i commits is refused, and takes the rest',
  async (commits) => {
    const store = await yesterday(commits);
    expect(await registryContradiction(store, mine.open.log)).toMatchObject({
      code: 'MR_DATA_MIXED',
      details: { commits, published: COMMITS + 1 },
    });
    const head = COMMITS + 1;
    expect(await takeMissingCommits(store, mine.open.log)).toEqual({ taken: head - commits, head });
    expect(await all(store)).toEqual(await all(mine.store));
    expect(await registryContradiction(store, mine.open.log)).toBeNull();
    expect(await takeMissingCommits(store, mine.open.log)).toEqual({ taken: 0, head });
  },
);

test('a registry that is whole, or ahead of its topic, is not refused', async () => {
  expect(await registryContradiction(mine.store, mine.open.log)).toBeNull();
  await mine.store.append(commit('later'), COMMITS);
  expect(await registryContradiction(mine.store, mine.open.log)).toBeNull();
  expect(await registryContradiction(registry().store, registry().open.log)).toBeNull();
});

test('a registry that was set back and then changed is refused, and takes nothing', async () => {
  const store = await yesterday(20);
  for (let i = 20; i < COMMITS + 5; i++) await store.append(commit(`other${i}`), i);
  expect(await registryContradiction(store, mine.open.log)).toMatchObject({
    code: 'MR_DATA_MIXED',
    message: expect.stringContaining('is another one'),
  });
  const before = await all(store);
  await expect(takeMissingCommits(store, mine.open.log)).rejects.toMatchObject({
    code: 'MR_DATA_MIXED',
  });
  const shorter = await yesterday(20);
  await shorter.append(commit('other'), 20);
  await expect(takeMissingCommits(shorter, mine.open.log)).rejects.toMatchObject({
    code: 'MR_DATA_MIXED',
  });
  expect(await all(store)).toEqual(before);
  expect(await shorter.head()).toBe(21);
});

test('a topic that was made again gets every commit, once, also after a crash', async () => {
  const { log } = registry().open;
  await log.createTopic('registry', { partitions: 1 });
  const [first] = await mine.store.readAll(0, 1);
  await log.append({ records: [registryRecord(first as Commit, 1)] });
  expect(await publishAgain(mine.store, log, 1)).toBe(COMMITS);
  expect(await publishAgain(mine.store, log, 1)).toBe(0);
  const { store } = registry();
  await takeMissingCommits(store, log);
  expect(await all(store)).toEqual(await all(mine.store));
});

test('a record of an earlier release has no principal', async () => {
  const [one] = await mine.store.readAll(0, 1);
  const old = encodeCommit(one as Commit);
  const { decodeCommit } = await import('#domain/registry/registry-record.ts');
  const { principal, ...command } = (one as Commit).command;
  expect(principal).toBe('p0');
  // The principal is the last field: a union of two, and a string of two bytes.
  expect(decodeCommit(old.subarray(0, old.length - 4))).toEqual({ ...one, command });
});
