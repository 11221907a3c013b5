/** How long the files of an old snapshot stay. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Snapshot } from '#infra/shared/iceberg/metadata.ts';
import { clicksTable } from '#tests/support/clicks-table.ts';
import { expireSnapshots } from './maintenance.ts';

const HOUR = 3_600_000;

test('a snapshot stays for a while after the next one was made, however old it was then', async () => {
  const { directory, table, loaded, restart, dispose } = await clicksTable(
    [{ user: 'a', at: 1_000 }],
    [{ user: 'b', at: 1_000 }],
  );
  try {
    const { snapshots } = (await loaded()).metadata;
    const [first, second] = snapshots as [Snapshot, Snapshot];
    expect(snapshots).toHaveLength(2);
    const list = join(
      directory,
      'history/raw/clicks/metadata',
      first['manifest-list'].split('/').at(-1) ?? '',
    );
    const expireAt = (now: number) => expireSnapshots(table, { keep: 1, minAge: HOUR, now });
    // The first snapshot was made longer than an hour ago. A reader may have pinned it since.
    expect(await expireAt(second['timestamp-ms'] + HOUR - 1)).toBe(0);
    expect(existsSync(list)).toBe(true);
    expect(await expireAt(second['timestamp-ms'] + HOUR)).toBe(1);
    expect(existsSync(list)).toBe(false);
    await restart();
  } finally {
    await dispose();
  }
});
