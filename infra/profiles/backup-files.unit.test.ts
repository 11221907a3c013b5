/** Maintenance that deletes files of the history while they are copied. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openContentStore } from '#infra/backup/content-store.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { expireSnapshots } from '#infra/iceberg/maintenance.ts';
import { newestTableFiles } from '#infra/iceberg/table-files.ts';
import { tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import { filesBelow, makeBases } from '#tests/faults/damage/fixture.ts';
import { type BackupRun, putHistory } from './backup-files.ts';

test('a version whose files are deleted during the copy is replaced by a newer one', async () => {
  const bases = await makeBases();
  try {
    const data = bases.copy();
    const root = { files: localFiles(), uri: fileUri(join(data, 'history')) };
    const store = openContentStore(join(data, '..', 'backups'));
    const versions = async (): Promise<number | undefined> =>
      (await newestTableFiles(root, 'raw.sales'))?.version;
    const before = await versions();
    let expired = 0;
    const content = {
      ...store,
      async putFile(path: string) {
        const stored = await store.putFile(path);
        if (path.includes('/raw/sales/') && expired === 0)
          expired = await expireSnapshots(tableDirectory(root, 'raw.sales'), {
            keep: 1,
            minAge: 0,
            now: Date.now() + 3_600_000,
          });
        return stored;
      },
    };
    const run: BackupRun = { data, content, before: new Map(), added: new Map() };
    const tables = await putHistory(run, root);
    expect(expired, 'some snapshots expired').toBeGreaterThan(0);
    const sales = tables.find(({ topic }) => topic === 'raw.sales');
    const metadata = sales?.files.filter(({ path }) => path.endsWith('.metadata.json'));
    expect(metadata).toHaveLength(1);
    expect(metadata?.[0]?.path).toContain(`v${await versions()}.metadata.json`);
    expect(await versions()).not.toBe(before);
    for (const { path } of sales?.files ?? [])
      expect(existsSync(join(data, path)), path).toBe(true);

    // What is missing without a newer version is damage.
    const [parquet] = filesBelow(data, /raw\/visits\/.*\.parquet$/);
    rmSync(join(data, parquet as string));
    await expect(putHistory({ ...run, content: store }, root)).rejects.toMatchObject({
      code: 'MR_DATA_DAMAGED',
    });
  } finally {
    bases.dispose();
  }
});
