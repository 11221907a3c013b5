import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import type { TableMetadata } from './metadata.ts';
import { metadataText } from './metadata-text.ts';
import { loadTable, versionUri, writeHint } from './table-directory.ts';

const root = mkdtempSync(join(tmpdir(), 'millrace-versions-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('a version that is committed while the directory is listed is not missing', async () => {
  const files = localFiles();
  const table = { files, uri: fileUri(root) };
  const metadata = { 'format-version': 2, properties: {} } as unknown as TableMetadata;
  const commit = async (version: number): Promise<void> => {
    await files.create(versionUri(table, version), metadataText(version, metadata));
    await writeHint(table, version);
  };
  await commit(1);
  const list: typeof files.list = async (directory) => {
    const found = await files.list(directory);
    await commit(2);
    return found;
  };
  expect((await loadTable({ ...table, files: { ...files, list } }))?.version).toBe(2);
  await files.delete(versionUri(table, 2));
  await expect(loadTable(table)).rejects.toMatchObject({ code: 'MR_DATA_DAMAGED' });
});
