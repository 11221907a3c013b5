import { expect, test } from 'vitest';
import { logContract, readAll, record, texts } from '#tests/contracts/log.contract.ts';
import { openLog, temporaryDirectory } from '#tests/contracts/sqlite.ts';

logContract('SQLite', async () => {
  const directory = temporaryDirectory();
  let open = openLog(directory.path);
  return {
    log: open.log,
    async reopen() {
      await open.close();
      open = openLog(directory.path);
      return open.log;
    },
    async close() {
      await open.close();
      directory.remove();
    },
  };
});

test('a data directory from before there were headers is read, and accepts records with headers', async () => {
  const directory = temporaryDirectory();
  const old = openLog(directory.path);
  await old.log.createTopic('a', { partitions: 1 });
  await old.log.append({ records: [record('a', 'old')] });
  old.database.db.exec('ALTER TABLE log_batch DROP COLUMN headers');
  old.database.close();
  const open = openLog(directory.path);
  const headers = { traceparent: 'given' };
  await open.log.append({ records: [{ ...record('a', 'new'), headers }] });
  const got = await readAll(open.log, 'a');
  expect(texts(got)).toEqual(['old', 'new']);
  expect(got.map((r) => r.headers)).toEqual([undefined, headers]);
  await open.close();
  directory.remove();
});
