/** Whatever is done to the chain shows, and the first record that does not fit is named. */
import { beforeEach, expect, test } from 'vitest';
import type { AuditRecord } from '#domain/api/audit.ts';
import { GENESIS } from '#domain/ports/audit-store.ts';
import type { EventStore } from '#domain/ports/event-store.ts';
import { streamTasks } from '#infra/embedded-engine/stream-tasks.ts';
import { hybridClock } from '#infra/shared/clock/hybrid-clock.ts';
import { openDatabase } from '#infra/sqlite/database.ts';
import { sqliteEventStore } from '#infra/sqlite/event-store.ts';
import { sqliteLog } from '#infra/sqlite/log.ts';
import { type MemoryAuditStore, memoryAuditStore } from '#tests/support/memory-audit-store.ts';
import { type AuditLog, chainHash, openAudit } from './audit.ts';

let store: MemoryAuditStore;
let audit: AuditLog;
let events: EventStore;

const commit = (n: number, refused = false) =>
  events.append(
    {
      stream: `entity/e${n % 3}`,
      command: {
        id: `c${n}`,
        type: 'RegisterEntity',
        data: { n },
        actor: n % 2 === 0 ? 'ann' : 'bob',
        reason: n === 4 ? 'why' : null,
        time: n * 1000,
      },
      events: refused ? [] : [{ type: 'EntityRegistered', data: { n } }],
      refusal: refused ? { code: 'MR_REFUSED', message: 'no' } : null,
    },
    null,
  );

beforeEach(async () => {
  const database = openDatabase(':memory:');
  sqliteLog(database, hybridClock(), streamTasks);
  events = sqliteEventStore(database);
  store = memoryAuditStore();
  audit = await openAudit(events, store);
  for (let n = 1; n <= 6; n++) await commit(n, n === 5);
  await audit.caughtUp();
});

const tamper = (at: number, change: (record: AuditRecord) => AuditRecord): void => {
  store.records = store.records.map((record) => (record.sequence === at ? change(record) : record));
};

test('a whole chain verifies, and goes on where it was', async () => {
  const first = await audit.verify();
  expect(first).toMatchObject({ ok: true, records: 6 });
  await audit.close();
  const again = await openAudit(events, store);
  await commit(7);
  expect(await again.verify()).toMatchObject({ ok: true, records: 7 });
});

test('a record that was changed', async () => {
  tamper(3, (record) => ({ ...record, actor: 'eve' }));
  expect(await audit.verify()).toMatchObject({ ok: false, firstBad: 3 });
});

test('a record that was changed and hashed anew', async () => {
  tamper(3, ({ hash: _hash, previous, ...record }) => {
    const changed = { ...record, actor: 'eve' };
    return { ...changed, previous, hash: chainHash(previous, changed) };
  });
  expect(await audit.verify()).toMatchObject({
    ok: false,
    firstBad: 3,
    message: expect.stringContaining('commit'),
  });
});

test('a commit whose command was changed in the registry, its events left as they were', async () => {
  const inner = events;
  const changed = (await inner.readAll(0, 10)).map((c) =>
    c.position === 4 ? { ...c, command: { ...c.command, data: { n: 4, force: true } } } : c,
  );
  const again = await openAudit(
    { ...inner, readAll: async (after, limit) => changed.slice(after, after + limit) },
    store,
  );
  expect(await again.verify()).toMatchObject({
    ok: false,
    firstBad: 4,
    message: expect.stringContaining('commit'),
  });
});

test('a chain that began before commands were hashed verifies, and goes on with hashes', async () => {
  let previous = GENESIS;
  const old = store.records
    .slice(0, 3)
    .map(({ hash: _hash, previous: _previous, commandHash: _command, ...record }) => {
      const hash = chainHash(previous, record);
      const chained = { ...record, previous, hash };
      previous = hash;
      return chained;
    });
  store = memoryAuditStore();
  await store.append(old);
  const again = await openAudit(events, store);
  expect(await again.verify()).toMatchObject({ ok: true, records: 6 });
  expect(store.records.map((r) => r.commandHash !== undefined)).toEqual([
    false,
    false,
    false,
    true,
    true,
    true,
  ]);
});

test('a record that was removed', async () => {
  store.records = store.records.filter((record) => record.sequence !== 4);
  expect(await audit.verify()).toMatchObject({ ok: false, firstBad: 4 });
});

test('records that changed places', async () => {
  const [a, b] = [store.records[1], store.records[2]] as [AuditRecord, AuditRecord];
  store.records.splice(1, 2, { ...b, sequence: 2 }, { ...a, sequence: 3 });
  expect(await audit.verify()).toMatchObject({ ok: false, firstBad: 2 });
});

test('a tail that was cut off', async () => {
  store.records = store.records.slice(0, 4);
  expect(await audit.verify()).toMatchObject({
    ok: false,
    firstBad: 5,
    message: expect.stringContaining('cut off'),
  });
});

test('queries: by actor, time, subject, kind; refused ones with their reason; by pages', async () => {
  expect((await audit.log({ actor: 'ann' })).records.map((r) => r.sequence)).toEqual([2, 4, 6]);
  expect((await audit.log({ since: 3000, until: 4000 })).records.map((r) => r.sequence)).toEqual([
    3, 4,
  ]);
  expect((await audit.log({ subject: 'e1' })).records.map((r) => r.sequence)).toEqual([1, 4]);
  expect((await audit.log({ kind: 'EntityRegistered' })).records.length).toBe(5);
  expect((await audit.log({ kind: 'source' })).records).toEqual([]);
  expect((await audit.log({ since: 5000, until: 5000 })).records).toMatchObject([
    { outcome: 'refused', refusal: { code: 'MR_REFUSED' }, events: [] },
  ]);
  const page = await audit.log({ limit: 4 });
  expect(page).toMatchObject({ next: 4 });
  expect(
    (await audit.log({ limit: 4, after: page.next as number })).records.map((r) => r.sequence),
  ).toEqual([5, 6]);
});
