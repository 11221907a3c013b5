/**
 * Every commit reaches the log once, in order, whenever the outbox stops, starts or meets an error.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Commit, EventStore } from '#domain/ports/event-store.ts';
import type { OutgoingRecord } from '#domain/ports/log.ts';
import { REGISTRY_TOPIC } from '#domain/ports/topics.ts';
import { sqliteEventStore } from '#infra/sqlite/event-store.ts';
import { type Outbox, publishOutbox } from '#projections/outbox/publish-outbox.ts';
import { newCommit } from '#tests/contracts/event-store.contract.ts';
import { readAll, record, texts } from '#tests/contracts/log.contract.ts';
import { type OpenLog, openLog, temporaryDirectory } from '#tests/contracts/sqlite.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let open: OpenLog;
let store: EventStore;
let outbox: Outbox | null = null;

beforeEach(() => {
  directory = temporaryDirectory();
  open = openLog(directory.path);
  store = sqliteEventStore(open.database);
});
afterEach(async () => {
  await outbox?.stop();
  await open.close();
  directory.remove();
});

const encode = (commit: Commit): readonly OutgoingRecord[] =>
  commit.events.map((event) => record(REGISTRY_TOPIC, `${commit.position} ${event.type}`));
const published = async (): Promise<string[]> => texts(await readAll(open.log, REGISTRY_TOPIC));

test('commits made before, between and after its runs are each there once, in order', async () => {
  for (let i = 0; i < 120; i++) await store.append(newCommit('s', ['E']), i);
  outbox = await publishOutbox(store, open.log, encode);
  await outbox.published(120);
  await store.append(newCommit('s', ['F', 'G']), 120);
  await outbox.published(121);
  await outbox.stop();
  await store.append(newCommit('s', ['H']), 122);
  outbox = await publishOutbox(store, open.log, encode);
  await outbox.published(122);
  const expected = [
    ...Array.from({ length: 120 }, (_, i) => `${i + 1} E`),
    '121 F',
    '121 G',
    '122 H',
  ];
  expect(await published()).toEqual(expected);
  expect((await open.log.committed('registry-outbox', REGISTRY_TOPIC))[0]).toBe(122);
});

test('a commit that makes no records moves the position on', async () => {
  outbox = await publishOutbox(store, open.log, encode);
  await store.append(newCommit('s', [], { code: 'MR_REFUSED', message: 'no' }), null);
  await outbox.published(1);
  await store.append(newCommit('s', ['A']), 0);
  await outbox.published(2);
  expect(await published()).toEqual(['2 A']);
});

test('an error is shown, tried again, and nothing is skipped or doubled', async () => {
  let broken = 2;
  outbox = await publishOutbox(store, open.log, (commit) => {
    if (commit.position === 2 && broken-- > 0) throw new Error('registry away');
    return encode(commit);
  });
  await store.append(newCommit('s', ['A']), 0);
  await store.append(newCommit('s', ['B']), 1);
  await outbox.published(2);
  expect(broken).toBeLessThanOrEqual(0);
  expect(await published()).toEqual(['1 A', '2 B']);
});

test('several outboxes copy the same commits: each commit is there once, in order, and each outbox resolves', async () => {
  const outboxes = [];
  for (let i = 0; i < 3; i++) outboxes.push(await publishOutbox(store, open.log, encode));
  const appending = (async () => {
    for (let i = 0; i < 150; i++) await store.append(newCommit('s', ['E']), i);
  })();
  await appending;
  await Promise.all(outboxes.map((one) => one.published(150)));
  expect(await published()).toEqual(Array.from({ length: 150 }, (_, i) => `${i + 1} E`));
  expect(outboxes.map((one) => [one.position(), one.error()])).toEqual(
    outboxes.map(() => [150, null]),
  );
  for (const one of outboxes) await one.stop();
});

test('an outbox that has fallen behind continues after what the others copied', async () => {
  let slow: (() => void) | null = null;
  const behind = await publishOutbox(store, open.log, async (commit) => {
    if (commit.position === 1) await new Promise<void>((go) => (slow = go));
    return encode(commit);
  });
  await store.append(newCommit('s', ['A']), 0);
  await expect.poll(() => slow).not.toBeNull();
  await store.append(newCommit('s', ['B']), 1);
  outbox = await publishOutbox(store, open.log, encode);
  await outbox.published(2);
  (slow as unknown as () => void)();
  await store.append(newCommit('s', ['C']), 2);
  await behind.published(3);
  expect(await published()).toEqual(['1 A', '2 B', '3 C']);
  await behind.stop();
});

test('a log from before commits were counted: it continues at its position', async () => {
  for (let i = 0; i < 7; i++) await store.append(newCommit('s', ['E']), i);
  await open.log.createTopic(REGISTRY_TOPIC, { partitions: 1 });
  const position = { consumer: 'registry-outbox', topic: REGISTRY_TOPIC, partition: 0, offset: 5 };
  await open.log.append({
    records: [1, 2, 3, 4, 5].map((n) => record(REGISTRY_TOPIC, `${n} E`)),
    positions: [position],
  });
  outbox = await publishOutbox(store, open.log, encode);
  await outbox.published(7);
  expect(await published()).toEqual(Array.from({ length: 7 }, (_, i) => `${i + 1} E`));
});
