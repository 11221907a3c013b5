/** The event store on MySQL, the chain that several processes write, and the lease. */

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { mysqlAuditStore } from '#infra/mysql/audit-store.ts';
import { openMysql } from '#infra/mysql/database.ts';
import { mysqlEventStore } from '#infra/mysql/event-store.ts';
import { mysqlLease } from '#infra/mysql/lease.ts';
import { openAudit } from '#projections/audit/audit.ts';
import { eventStoreContract, newCommit } from '#tests/contracts/event-store.contract.ts';
import { emptyDatabase } from '#tests/stack/support/mysql.ts';

eventStoreContract('mysql', async () => {
  const address = await emptyDatabase();
  let database = await openMysql(address);
  let store = mysqlEventStore(database);
  return {
    store,
    async reopen() {
      await store.close();
      await database.close();
      database = await openMysql(address);
      store = mysqlEventStore(database);
      return store;
    },
    async close() {
      await store.close();
      await database.close();
    },
  };
});

test('processes that append at once leave no position out, and no reader sees one before an older one', async () => {
  const address = await emptyDatabase();
  const databases = await Promise.all(Array.from({ length: 4 }, () => openMysql(address)));
  const stores = databases.map((database) => mysqlEventStore(database));
  const reader = stores[0] as ReturnType<typeof mysqlEventStore>;
  const seen: number[] = [];
  let done = false;
  const reading = (async () => {
    while (!done || seen.length < 120)
      for (const commit of await reader.readAll(seen.length, 50)) seen.push(commit.position);
  })();
  await Promise.all(
    stores.map(async (store, s) => {
      for (let i = 0; i < 30; i++) await store.append(newCommit(`stream-${s}`, [`E${i}`]), i);
    }),
  );
  done = true;
  await reading;
  expect(seen).toEqual(Array.from({ length: 120 }, (_, i) => i + 1));
  for (const database of databases) await database.close();
});

test('two processes write one chain', async () => {
  const address = await emptyDatabase();
  const databases = await Promise.all([openMysql(address), openMysql(address)]);
  const stores = databases.map((database) => mysqlEventStore(database));
  const audits = await Promise.all(
    stores.map((store, i) =>
      openAudit(store, mysqlAuditStore(databases[i] as (typeof databases)[0])),
    ),
  );
  for (let i = 0; i < 20; i++) await stores[i % 2]?.append(newCommit('s', [`E${i}`]), i);
  for (const audit of audits) expect(await audit.verify()).toMatchObject({ ok: true, records: 20 });
  for (const audit of audits) await audit.close();
  for (const store of stores) await store.close();
  for (const database of databases) await database.close();
});

test('a lease has one holder, and passes on when that holder ends', async () => {
  const address = await emptyDatabase();
  const databases = await Promise.all([openMysql(address), openMysql(address)]);
  const name = randomUUID();
  const first = await mysqlLease(databases[0] as (typeof databases)[0], name);
  const second = await mysqlLease(databases[1] as (typeof databases)[0], name);
  expect([first.holds(), second.holds()]).toEqual([true, false]);
  await first.close();
  while (!second.holds()) await sleep(50);
  expect(first.holds()).toBe(false);
  await second.close();
  for (const database of databases) await database.close();
});
