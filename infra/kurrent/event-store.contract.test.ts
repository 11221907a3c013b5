/**
 * The event store over one stream: its contract, and what several processes and lost answers do to
 * it. The stream is one in memory.
 */
import { expect, test } from 'vitest';
import { eventStoreContract, newCommit } from '#tests/contracts/event-store.contract.ts';
import { memoryCommitStream } from '#tests/support/memory-commit-stream.ts';
import { kurrentEventStore } from './event-store.ts';

eventStoreContract('one stream of commits, in memory', async () => {
  const stream = memoryCommitStream();
  let store = kurrentEventStore(stream.open());
  return {
    store,
    async reopen() {
      await store.close();
      store = kurrentEventStore(stream.open());
      return store;
    },
    close: () => store.close(),
  };
});

const processes = (count: number) => {
  const stream = memoryCommitStream();
  return { stream, stores: Array.from({ length: count }, () => kurrentEventStore(stream.open())) };
};

test('processes that append at once: nothing is lost, nothing twice, versions and positions without a gap', async () => {
  const { stream, stores } = processes(4);
  await Promise.all(
    stores.map(async (store, s) => {
      for (let i = 0; i < 30; i++) await store.append(newCommit(`stream-${s}`, [`E${i}`]), i);
    }),
  );
  const commits = (await stores[0]?.readAll(0, 1_000)) ?? [];
  expect(commits.map((c) => c.position)).toEqual(Array.from({ length: 120 }, (_, i) => i + 1));
  for (const s of stores.keys()) {
    const mine = commits.filter((c) => c.stream === `stream-${s}`);
    expect(mine.map((c) => c.version)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect((await stores[(s + 1) % 4]?.readStream(`stream-${s}`))?.version).toBe(30);
  }
  expect(stream.events.length).toBe(120);
});

test('of processes that race on one stream, or on one head, one wins', async () => {
  const { stores } = processes(5);
  const byVersion = await Promise.allSettled(
    stores.map((store, i) => store.append(newCommit('s', [`E${i}`]), 0)),
  );
  expect(byVersion.filter((o) => o.status === 'fulfilled')).toHaveLength(1);
  const byHead = await Promise.allSettled(
    stores.map((store, i) => store.append(newCommit(`t${i}`, ['E']), 0, { ifHead: 1 })),
  );
  expect(byHead.filter((o) => o.status === 'fulfilled')).toHaveLength(1);
  for (const { reason } of byHead.filter((o) => o.status === 'rejected'))
    expect(reason).toMatchObject({
      code: 'MR_VERSION_CONFLICT',
      details: { currentHead: 2, expectedHead: 1 },
    });
});

test('a process that knows less than there is finds no conflict where there is none', async () => {
  const { stores } = processes(2);
  const [one, other] = stores as [(typeof stores)[0], (typeof stores)[0]];
  await one.append(newCommit('s', ['A']), 0);
  await other.append(newCommit('s', ['B']), 1);
  expect(await one.append(newCommit('s', ['C']), 2, { ifHead: 2 })).toMatchObject({
    position: 3,
    version: 3,
  });
});

test('an answer that was lost: what was written is found, and what was not is an error that leaves nothing', async () => {
  const { stream, stores } = processes(2);
  const [one, other] = stores as [(typeof stores)[0], (typeof stores)[0]];
  await other.append(newCommit('t', ['X']), 0);
  await one.readStream('t');
  stream.loseAnswer(true);
  expect(await one.append(newCommit('s', ['A']), 0)).toMatchObject({ position: 2, version: 1 });
  stream.loseAnswer(false);
  await expect(one.append(newCommit('s', ['B']), 1)).rejects.toMatchObject({
    code: 'MR_STORE_UNAVAILABLE',
  });
  expect(await one.append(newCommit('s', ['C']), 1)).toMatchObject({ position: 3, version: 2 });
  expect((await other.readStream('s')).events.map((e) => e.type)).toEqual(['A', 'C']);
});

test('another process’s commits are heard of, also after the server dropped the subscription, and no more once the last has left', async () => {
  const { stream, stores } = processes(2);
  const [one, other] = stores as [(typeof stores)[0], (typeof stores)[0]];
  let woken = 0;
  const leave = one.onCommit(() => woken++);
  await other.append(newCommit('s', ['A']), 0);
  await expect.poll(() => woken).toBe(1);
  stream.cutSubscriptions();
  await other.append(newCommit('s', ['B']), 1);
  await expect.poll(() => woken, { timeout: 3_000 }).toBe(2);
  leave();
  expect(stream.subscriptions()).toBe(0);
});
