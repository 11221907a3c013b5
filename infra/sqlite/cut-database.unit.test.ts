/** Moments that a log cannot be cut at are refused; what belongs to later definitions goes. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NewCommit } from '#domain/ports/event-store.ts';
import { sqliteAuditStore } from '#infra/sqlite/audit-store.ts';
import { cutDatabase } from '#infra/sqlite/cut-database.ts';
import { describeDatabase } from '#infra/sqlite/describe-database.ts';
import { sqliteEventStore } from '#infra/sqlite/event-store.ts';
import { openIdentity } from '#infra/sqlite/identity.ts';
import { sqliteSchemaRegistry } from '#infra/sqlite/schema-registry.ts';
import { type OpenLog, openLog, temporaryDirectory } from '#tests/contracts/sqlite.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let path: string;
let time: number;
beforeEach(() => {
  directory = temporaryDirectory();
  path = join(directory.path, 'millrace.db');
  time = 1_000;
});
afterEach(() => directory.remove());

const open = (): OpenLog => {
  const opened = openLog(directory.path, () => time);
  openIdentity(opened.database);
  sqliteAuditStore(opened.database);
  return opened;
};

const record = (topic: string, schemaId = 1) => ({
  topic,
  partition: 0,
  key: null,
  value: Buffer.from('x'),
  schemaId,
});

const commit = (stream: string, at: number): NewCommit =>
  ({
    stream,
    command: { id: stream, type: 'T', time: at, actor: 'a', reason: null, data: {} },
    events: [],
    refusal: null,
  }) as unknown as NewCommit;

const fill = async ({ database, log }: OpenLog): Promise<void> => {
  await sqliteEventStore(database).append(commit('source/a', 900), 0);
  sqliteSchemaRegistry(database);
  await log.createTopic('raw.a', { partitions: 1 });
  for (const at of [1_000, 2_000, 3_000]) {
    time = at;
    await log.append({
      records: [record('raw.a')],
      positions: [{ consumer: 'c', topic: 'raw.a', partition: 0, offset: 1 }],
    });
  }
};

const cut = (logTime: number) => () => cutDatabase(path, { logTime, registry: null });

test('a log of an earlier release is cut at moments since the upgrade only', async () => {
  const first = open();
  await fill(first);
  await first.close();
  const db = new DatabaseSync(path);
  db.exec('DROP TABLE log_position_past; DROP TABLE log_producer_past; DROP TABLE log_past_from');
  db.close();
  expect(() => describeDatabase(path), 'it cannot be backed up before it is upgraded').toThrow(
    expect.objectContaining({ code: 'MR_REFUSED' }),
  );
  const upgraded = open();
  time = 4_000;
  await upgraded.log.append({
    records: [record('raw.a')],
    positions: [{ consumer: 'c', topic: 'raw.a', partition: 0, offset: 4 }],
  });
  await upgraded.close();
  expect(cut(2_000)).toThrow(expect.objectContaining({ code: 'MR_REFUSED' }));
  cut(3_000)();
  const again = open();
  expect(await again.log.end('raw.a')).toEqual([3]);
  expect(await again.log.committed('c', 'raw.a')).toEqual([1]);
  await again.close();
});

test('a moment before the trimmed part of the log is refused, and nothing is changed', async () => {
  const opened = open();
  await fill(opened);
  await opened.log.trim('raw.a', 0, 2);
  await opened.close();
  expect(cut(1_500)).toThrow(expect.objectContaining({ code: 'MR_REFUSED' }));
  const again = open();
  expect(await again.log.end('raw.a')).toEqual([3]);
  await again.close();
});

test('topics and schema versions of later definitions are removed', async () => {
  const opened = open();
  await fill(opened);
  const { database, log } = opened;
  const store = sqliteEventStore(database);
  const schemas = sqliteSchemaRegistry(database);
  await store.append(commit('source/b', 2_500), 0);
  const fields = [{ name: 'x', type: 'string' }];
  const schema = (more: readonly object[]) => ({
    type: 'record',
    name: 'a',
    fields: [...fields, ...more],
  });
  const one = await schemas.register('raw.a-value', schema([]));
  await schemas.register(
    'raw.a-value',
    schema([{ name: 'y', type: ['null', 'string'], default: null }]),
  );
  expect(one, 'the id of the records').toBe(1);
  await log.createTopic('raw.b', { partitions: 2 });
  await schemas.register('raw.b-value', schema([]));
  time = 4_000;
  await log.append({ records: [record('raw.b')] });
  await opened.close();
  cut(2_000)();
  const again = open();
  expect((await again.log.topics()).map(({ topic }) => topic)).toEqual(['raw.a']);
  const left = sqliteSchemaRegistry(again.database);
  expect(await left.versions('raw.a-value')).toEqual([{ id: 1, version: 1 }]);
  expect(await left.versions('raw.b-value')).toEqual([]);
  expect(await sqliteEventStore(again.database).head()).toBe(1);
  await again.close();
});
