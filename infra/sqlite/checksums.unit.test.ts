/** A changed column of any checked row is refused when it is read. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sqliteEventStore } from '#infra/sqlite/event-store.ts';
import { sqliteSchemaRegistry } from '#infra/sqlite/schema-registry.ts';
import { type OpenLog, openLog, temporaryDirectory } from '#tests/contracts/sqlite.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let open: OpenLog;
beforeEach(async () => {
  directory = temporaryDirectory();
  open = openLog(directory.path);
  await open.log.createTopic('t', { partitions: 1 });
  const value = Buffer.from('value');
  await open.log.append({
    records: [{ topic: 't', partition: 0, key: 'k', value, schemaId: 1 }],
    positions: [{ consumer: 'c', topic: 't', partition: 0, offset: 1 }],
    producer: { id: 'p', topic: 't', sequence: 0, count: 1 },
  });
  await sqliteSchemaRegistry(open.database).register('s', { type: 'string' });
});
afterEach(async () => {
  await open.close();
  directory.remove();
});

const CHANGES: Readonly<Record<string, string>> = {
  data: "UPDATE log_batch SET data = x'00' || substr(data, 2)",
  'the log time': 'UPDATE log_batch SET log_time = log_time + 1',
  headers: "UPDATE log_batch SET headers = '{}'",
};

test.each(Object.entries(CHANGES))('%s of a batch', async (_, sql) => {
  open.database.db.exec(sql);
  await expect(open.log.read('t', 0, 0, 1_000)).rejects.toMatchObject({ code: 'MR_DATA_DAMAGED' });
});

test('positions, sequences and schemas', async () => {
  open.database.db.exec(
    'UPDATE log_position SET next = 0; UPDATE log_producer SET next = 0; UPDATE schema_text SET text = \'"bytes"\'',
  );
  await open.close();
  open = openLog(directory.path);
  const refused = { code: 'MR_DATA_DAMAGED' };
  await expect(open.log.committed('c', 't')).rejects.toMatchObject(refused);
  await expect(open.log.producerSequence('p', 't')).rejects.toMatchObject(refused);
  await expect(sqliteSchemaRegistry(open.database).schema(1)).rejects.toMatchObject(refused);
});

test('commits', async () => {
  const store = sqliteEventStore(open.database);
  open.database.db.exec(
    "INSERT INTO registry_commit (position, stream, version, body, checksum) VALUES (1, 's', 1, '{}', 7)",
  );
  await expect(store.readAll(0, 10)).rejects.toMatchObject({ code: 'MR_DATA_DAMAGED' });
});
