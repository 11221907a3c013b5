/** The worker reads the embedded log over its own connection while the log is open and written. */
import { join } from 'node:path';
import avro from 'avsc';
import { expect, it } from 'vitest';
import { openIcebergHistory } from '#infra/iceberg/history.ts';
import { sqliteSchemaRegistry } from '#infra/sqlite/schema-registry.ts';
import { historyIn } from '#tests/contracts/history.fixture.ts';
import { openLog, temporaryDirectory } from '#tests/contracts/sqlite.ts';
import { embeddedHistoryInput } from './embedded-history-input.ts';

const SCHEMA = {
  type: 'record',
  name: 'flights',
  fields: [
    { name: 'origin', type: 'string' },
    { name: 'date', type: { type: 'long', logicalType: 'timestamp-millis' } },
  ],
};

it('copies the embedded log into the tables while the log is written', async () => {
  const directory = temporaryDirectory();
  const { database, log, close } = openLog(directory.path);
  const schemaId = await sqliteSchemaRegistry(database).register('raw.flights-value', SCHEMA);
  const type = avro.Type.forSchema(SCHEMA as avro.Schema);
  await log.createTopic('raw.flights', { partitions: 2 });
  const append = (from: number) =>
    log.append({
      records: Array.from({ length: 3000 }, (_, i) => ({
        topic: 'raw.flights',
        partition: i % 2,
        key: 'ATL',
        value: type.toBuffer({ origin: `o${i}`, date: from + i }),
        schemaId,
      })),
    });
  await append(0);
  const history = await openIcebergHistory({
    ...historyIn(directory.path),
    input: embeddedHistoryInput(join(directory.path, 'millrace.db')),
    commitAfterMs: 0,
  });
  await history.sync('raw.flights');
  await append(3000);
  await history.sync('raw.flights');
  expect(await history.endOffsets('raw.flights')).toEqual([3000, 3000]);
  const events = await history.events({ source: 'flights' });
  expect(events.map((event) => event.eventTime)).toEqual(Array.from({ length: 6000 }, (_, i) => i));
  expect((await history.events({ source: 'flights', where: { origin: 'o7' } })).length).toBe(2);
  await history.close();
  await close();
  directory.remove();
});
