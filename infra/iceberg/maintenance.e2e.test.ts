/** How long the files of an old snapshot stay. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { source } from 'millrace';
import { expect, test } from 'vitest';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import type { EmbeddedParts } from '#infra/profiles/embedded.ts';
import type { Snapshot } from '#infra/shared/iceberg/metadata.ts';
import { loadTable, tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import { caller, plain, testPlatform } from '#tests/support/platform.ts';
import { expireSnapshots } from './maintenance.ts';

const HOUR = 3_600_000;
const clicks = source({
  name: 'clicks',
  fields: { user: 'string', at: 'timestamp' },
  eventTime: 'at',
});

test('a snapshot stays for a while after the next one was made, however old it was then', async () => {
  let parts: EmbeddedParts | undefined;
  const on = await testPlatform({
    onParts: (opened) => {
      parts = opened;
    },
  });
  try {
    await on.platform.registry.apply(plain(clicks), {}, caller);
    for (const user of ['a', 'b']) {
      const events = [{ user, at: 1_000 }];
      await on.platform.publishing.publish({ source: 'clicks', events }, caller);
      await parts?.history.sync('raw.clicks');
      await sleep(5);
    }
    await on.platform.close();
    const history = join(on.directory, 'history');
    const table = tableDirectory({ files: localFiles(), uri: fileUri(history) }, 'raw.clicks');
    const { snapshots = [] } = (await loadTable(table))?.metadata ?? {};
    const [first, second] = snapshots as [Snapshot, Snapshot];
    expect(snapshots).toHaveLength(2);
    const list = join(
      history,
      'raw/clicks/metadata',
      first['manifest-list'].split('/').at(-1) ?? '',
    );
    const expireAt = (now: number) => expireSnapshots(table, { keep: 1, minAge: HOUR, now });
    // The first snapshot was made longer than an hour ago. A reader may have pinned it since.
    expect(await expireAt(second['timestamp-ms'] + HOUR - 1)).toBe(0);
    expect(existsSync(list)).toBe(true);
    expect(await expireAt(second['timestamp-ms'] + HOUR)).toBe(1);
    expect(existsSync(list)).toBe(false);
    await on.restart();
  } finally {
    await on.dispose();
  }
});
