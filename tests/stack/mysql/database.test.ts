/**
 * Failures between us and the database server have the right error, and leave no connection behind.
 */
import mysql from 'mysql2/promise';
import { expect, test } from 'vitest';
import { mysqlAuditStore } from '#infra/mysql/audit-store.ts';
import { type MysqlAddress, openMysql } from '#infra/mysql/database.ts';
import { mysqlEventStore } from '#infra/mysql/event-store.ts';
import { migrate } from '#infra/mysql/schema.ts';
import { openRegistryStore } from '#infra/profiles/registry-store.ts';
import { openAudit } from '#projections/audit/audit.ts';
import { newCommit } from '#tests/contracts/event-store.contract.ts';
import { emptyDatabase } from '#tests/stack/support/mysql.ts';

const connections = async (address: MysqlAddress): Promise<number> => {
  const admin = await mysql.createConnection({ ...address, database: 'information_schema' });
  const [rows] = await admin.query('SELECT COUNT(*) AS n FROM processlist WHERE db = ?', [
    address.database,
  ]);
  await admin.end();
  return Number((rows as { n: number }[])[0]?.n);
};

test('errors in a statement, in the use of its answer and in its parameters are passed on unchanged', async () => {
  const database = await openMysql(await emptyDatabase());
  await expect(database.rows('SELECT nonsense')).rejects.toMatchObject({ errno: 1054 });
  await expect(database.rows('SELECT ?', [undefined as never])).rejects.toBeInstanceOf(TypeError);
  const mistake = new TypeError('ours');
  await expect(database.transaction(() => Promise.reject(mistake))).rejects.toBe(mistake);
  expect(await database.rows('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await database.close();
});

test('a connection that the server cuts is reported as unavailable, and the next one is new', async () => {
  const database = await openMysql(await emptyDatabase());
  const cut = database.transaction(async ({ rows }) => {
    const [mine] = await rows<{ id: number }>('SELECT CONNECTION_ID() AS id');
    await database.rows(`KILL ${mine?.id}`).catch(() => {});
    await rows('SELECT 1');
  });
  await expect(cut).rejects.toMatchObject({ code: 'MR_STORE_UNAVAILABLE' });
  expect(await database.rows('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await database.close();
});

test('without the lock no tables are created, and the error names its holder', async () => {
  const address = await emptyDatabase();
  const holder = await mysql.createConnection(address);
  await holder.query("SELECT GET_LOCK('millrace.schema', 5)");
  const asking = migrate({ connect: () => mysql.createConnection(address) }, 1);
  await expect(asking).rejects.toMatchObject({
    code: 'MR_STORE_UNAVAILABLE',
    message: expect.stringContaining('millrace.schema'),
  });
  const [tables] = await holder.query('SHOW TABLES');
  expect(tables).toEqual([]);
  await holder.end();
  await (await openMysql(address)).close();
});

test('tables of a newer version are left unchanged, and the pool is closed', async () => {
  const address = await emptyDatabase();
  const first = await openMysql(address);
  await first.transaction(({ run }) => run('UPDATE millrace_schema SET version = 99'));
  await first.close();
  await expect(openMysql(address)).rejects.toMatchObject({ code: 'MR_DATA_DIR_NEWER' });
  await expect.poll(() => connections(address)).toBe(0);
});

test('a refusal gives its connection back in working order', async () => {
  const address = await emptyDatabase();
  const database = await openMysql(address);
  const store = mysqlEventStore(database);
  await store.append(newCommit('s', ['A']), 0);
  const before = await database.rows<{ id: number }>('SELECT CONNECTION_ID() AS id');
  for (let i = 0; i < 3; i++)
    await expect(store.append(newCommit('s', ['A']), 0)).rejects.toMatchObject({
      code: 'MR_VERSION_CONFLICT',
    });
  expect(await database.rows('SELECT CONNECTION_ID() AS id')).toEqual(before);
  expect(await store.append(newCommit('s', ['B']), 1)).toMatchObject({ position: 2 });
  await store.close();
  await database.close();
});

test('a registry that is shorter than its audit chain is refused as another’s', async () => {
  const address = await emptyDatabase();
  const database = await openMysql(address);
  const audits = mysqlAuditStore(database);
  const store = await openRegistryStore(database, audits, address.database, { url: '' });
  const audit = await openAudit(store, audits);
  await store.append(newCommit('s', ['A']), 0);
  await audit.caughtUp();
  await audit.close();
  expect(
    await (await openRegistryStore(database, audits, address.database, { url: '' })).head(),
  ).toBe(1);
  await database.transaction(({ run }) => run('UPDATE registry_head SET position = 0'));
  await expect(
    openRegistryStore(database, audits, address.database, { url: '' }),
  ).rejects.toMatchObject({
    code: 'MR_STORAGE_FAILED',
  });
  await database.close();
});

test('a database that is set back while a process runs takes no commands from it', async () => {
  const database = await openMysql(await emptyDatabase());
  const warnings: string[] = [];
  const store = mysqlEventStore(database, (message) => void warnings.push(message));
  for (let i = 0; i < 3; i++) await store.append(newCommit('s', ['A']), i);
  store.onCommit(() => {});
  await database.transaction(async ({ run }) => {
    await run('DELETE FROM registry_commit WHERE position > 1');
    await run('UPDATE registry_head SET position = 1');
  });
  await expect(store.append(newCommit('s', ['B']), 1)).rejects.toMatchObject({
    code: 'MR_DATA_MIXED',
    details: { head: 1, announced: 3 },
  });
  await expect.poll(() => warnings).toHaveLength(1);
  expect(await store.head()).toBe(1);
  await store.close();
  await database.close();
});
