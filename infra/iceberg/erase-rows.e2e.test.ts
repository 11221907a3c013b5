/** Tables that Flink has written: its snapshots have ids of 63 bits. */
import { expect, test } from 'vitest';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { entriesOf, manifestsOf } from '#infra/shared/iceberg/append.ts';
import { currentSnapshot } from '#infra/shared/iceberg/metadata.ts';
import { CLICKS, clicksTable } from '#tests/support/clicks-table.ts';
import { rowEnds } from './erase-rows.ts';
import { withoutRows } from './without-rows.ts';

const DAY = 86_400_000;
const FLINKS_ID = 7_338_157_865_787_271_007n;

test('files of a snapshot whose id is no safe number stay in the table', async () => {
  const { table, loaded, dispose } = await clicksTable(
    [1, 2].map((day) => ({ user: `u${day}`, at: day * DAY })),
  );
  try {
    const { metadata } = await loaded();
    const own = await entriesOf(
      table,
      metadata,
      await manifestsOf(table, metadata, currentSnapshot(metadata)),
    );
    const entries = own.map((entry) => ({ ...entry, snapshot_id: FLINKS_ID }));
    expect(entries).toHaveLength(2);
    const duckDb = await openDuckDb({ memoryLimit: '128MB', threads: 1 });
    const connection = await duckDb.connect();
    const [first] = entries;
    const next = await withoutRows({
      ...{ table, metadata, connection, entries, now: Date.now(), where: "user = 'u1'" },
      replaced: first === undefined ? [] : [{ entry: first, left: 0 }],
    });
    connection.closeSync();
    duckDb.close();
    const snapshot = currentSnapshot(next);
    const left = await entriesOf(table, next, await manifestsOf(table, next, snapshot));
    expect(left.map(({ data_file }) => data_file)).toEqual([entries[1]?.data_file]);
    expect(left.map((entry) => entry.snapshot_id)).toEqual([FLINKS_ID]);
  } finally {
    await dispose();
  }
});

test('where a table ends with and without the rows of some users', async () => {
  const users = ['a', 'b', 'a', 'b', 'b'];
  const { root, dispose } = await clicksTable(
    users.slice(0, 3).map((user, i) => ({ user, at: i * DAY })),
    users.slice(3).map((user, i) => ({ user, at: i * DAY })),
  );
  const duckDb = await openDuckDb({ memoryLimit: '128MB', threads: 1 });
  const connection = await duckDb.connect();
  const endsOf = (topic: string, ...gone: readonly string[]) => {
    const matches = gone.map((value) => [{ field: 'user', type: 'string' as const, value }]);
    return rowEnds({ root, topic, matches, connection });
  };
  try {
    expect(await endsOf(CLICKS, 'a')).toEqual([{ partition: 0, all: 5, staying: 5 }]);
    expect(await endsOf(CLICKS, 'b')).toEqual([{ partition: 0, all: 5, staying: 3 }]);
    expect(await endsOf(CLICKS, 'a', 'b')).toEqual([{ partition: 0, all: 5, staying: 0 }]);
    expect(await endsOf('raw.others', 'a')).toEqual([]);
  } finally {
    connection.closeSync();
    duckDb.close();
    await dispose();
  }
});
