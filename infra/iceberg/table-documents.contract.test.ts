import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadTable, tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import { tableDocuments } from '#infra/shared/iceberg/table-documents.ts';
import { FILE_LOG_MODULE, fileLog, historyIn } from '#tests/contracts/history.fixture.ts';
import { FLIGHTS_AVRO, flight } from '#tests/contracts/history.samples.ts';
import { tableDocumentsContract } from '#tests/contracts/table-documents.contract.ts';
import { giveIds } from '#tests/support/foreign-ids.ts';
import { openIcebergHistory } from './history.ts';

const TOPIC = 'raw.flights';
const data = mkdtempSync(join(tmpdir(), 'millrace-documents-'));
const moved = `${data}-moved`;
afterAll(() => {
  for (const directory of [data, moved]) rmSync(directory, { recursive: true, force: true });
});

tableDocumentsContract('embedded', async () => {
  const directory = join(data, 'log');
  const log = fileLog(directory);
  const schema = log.schema(FLIGHTS_AVRO);
  const history = await openIcebergHistory({
    ...historyIn(data),
    input: {
      module: FILE_LOG_MODULE,
      options: { directory, topics: [{ topic: TOPIC, partitions: 1 }] },
    },
    commitAfterMs: 0,
  });
  for (const i of [0, 1, 2]) {
    log.append(TOPIC, 0, schema, [flight(i, 'ATL')], 1_000 + i);
    await history.sync(TOPIC);
  }
  await history.close();
  const { root } = historyIn(data);
  const table = await loadTable(tableDirectory(root, TOPIC));
  const own = table?.metadata.snapshots.map((snapshot) => snapshot['snapshot-id']) ?? [];
  const ids = own.map((_, i) => 2n ** 63n - 3n + BigInt(i));
  await giveIds(join(data, 'history', 'raw', 'flights'), (id) => ids[own.indexOf(id)] as bigint);
  return {
    documents: tableDocuments(root),
    topic: TOPIC,
    ids: ids.map(String),
    dispose: async () => {},
  };
});

test('a table that was moved is refused: engines would read the files of its old directory', async () => {
  cpSync(data, moved, { recursive: true });
  const documents = tableDocuments(historyIn(moved).root);
  expect(await documents.exists(TOPIC)).toBe(true);
  await expect(documents.load(TOPIC, 'all')).rejects.toMatchObject({ code: 'MR_REFUSED' });
});
