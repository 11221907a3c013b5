/** The horizon of a table goes back with the table. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { currentSnapshot, horizonOf } from '#infra/shared/iceberg/metadata.ts';
import { clicksTable } from '#tests/support/clicks-table.ts';
import { takeBack } from './cut-table.ts';
import { trimTable } from './trim-table.ts';

const DAY = 86_400_000;

test('a table that is taken back to before a deletion has its rows again, and no horizon', async () => {
  const { directory, table, loaded, dispose } = await clicksTable(
    [1, 2, 3].map((day) => ({ user: 'a', at: day * DAY })),
  );
  try {
    const rows = async (): Promise<string | undefined> =>
      currentSnapshot((await loaded()).metadata)?.summary['total-records'];
    const horizon = async () => horizonOf(currentSnapshot((await loaded()).metadata));
    expect([await rows(), await horizon()]).toEqual(['3', null]);

    const duckDb = await openDuckDb({
      memoryLimit: '128MB',
      threads: 1,
      spillDirectory: join(directory, 'spill'),
    });
    const connection = await duckDb.connect();
    const before = Date.now() + DAY;
    const trim = { table, connection, before, below: [2], now: Date.now() };
    expect(await trimTable(trim)).toBe(2);
    connection.closeSync();
    duckDb.close();
    expect([await rows(), await horizon()]).toEqual(['1', { begin: [2], time: 2 * DAY + 1 }]);

    await takeBack(table, await loaded(), 0);
    expect([await rows(), await horizon()]).toEqual(['3', null]);
  } finally {
    await dispose();
  }
});
