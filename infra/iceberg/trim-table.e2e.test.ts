/** The horizon of a table goes back with the table. */
import { join } from 'node:path';
import { source } from 'millrace';
import { expect, test } from 'vitest';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import type { EmbeddedParts } from '#infra/profiles/embedded.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { currentSnapshot, horizonOf } from '#infra/shared/iceberg/metadata.ts';
import {
  loadTable,
  type TableVersion,
  tableDirectory,
} from '#infra/shared/iceberg/table-directory.ts';
import { caller, plain, testPlatform } from '#tests/support/platform.ts';
import { takeBack } from './cut-table.ts';
import { trimTable } from './trim-table.ts';

const DAY = 86_400_000;
const clicks = source({
  name: 'clicks',
  fields: { user: 'string', at: 'timestamp' },
  eventTime: 'at',
});

test('a table that is taken back to before a deletion has its rows again, and no horizon', async () => {
  let parts: EmbeddedParts | undefined;
  const on = await testPlatform({
    onParts: (opened) => {
      parts = opened;
    },
  });
  try {
    await on.platform.registry.apply(plain(clicks), {}, caller);
    const events = [1, 2, 3].map((day) => ({ user: 'a', at: day * DAY }));
    await on.platform.publishing.publish({ source: 'clicks', events }, caller);
    await parts?.history.sync('raw.clicks');
    await on.platform.close();

    const history = join(on.directory, 'history');
    const table = tableDirectory({ files: localFiles(), uri: fileUri(history) }, 'raw.clicks');
    const loaded = async (): Promise<TableVersion> => (await loadTable(table)) as TableVersion;
    const rows = async (): Promise<string | undefined> =>
      currentSnapshot((await loaded()).metadata)?.summary['total-records'];
    const horizon = async () => horizonOf(currentSnapshot((await loaded()).metadata));
    expect([await rows(), await horizon()]).toEqual(['3', null]);

    const duckDb = await openDuckDb({
      memoryLimit: '128MB',
      threads: 1,
      spillDirectory: join(on.directory, 'spill'),
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
    await on.dispose();
  }
});
