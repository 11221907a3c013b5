/**
 * Files that no snapshot refers to: what killed writers and lost races left. Only the owner of the
 * data directory may call it, with no writer at work: a file of a commit under way is an orphan
 * too.
 */
import { readdir, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { missing } from '#infra/files/local-files.ts';
import { liveEntries, manifestsOf } from '#infra/shared/iceberg/append.ts';
import type { ManifestFile } from '#infra/shared/iceberg/manifest.ts';
import type { TableMetadata } from '#infra/shared/iceberg/metadata.ts';
import {
  dataDirectory,
  loadTable,
  localPath,
  metadataDirectory,
  writeHint,
} from '#infra/shared/iceberg/table-directory.ts';

export interface Referenced {
  /** local paths */
  readonly data: ReadonlySet<string>;
  readonly metadata: ReadonlySet<string>;
}

/** All that some snapshot of the table refers to. */
export const referencedFiles = async (
  directory: string,
  metadata: TableMetadata,
): Promise<Referenced> => {
  const data = new Set<string>();
  const files = new Set<string>();
  const seen = new Set<string>();
  const visit = async (manifest: ManifestFile): Promise<void> => {
    if (seen.has(manifest.manifest_path)) return;
    seen.add(manifest.manifest_path);
    files.add(localPath(directory, metadata, manifest.manifest_path));
    for (const { data_file } of await liveEntries(directory, metadata, manifest))
      data.add(localPath(directory, metadata, data_file.file_path));
  };
  for (const snapshot of metadata.snapshots) {
    files.add(localPath(directory, metadata, snapshot['manifest-list']));
    for (const manifest of await manifestsOf(directory, metadata, snapshot)) await visit(manifest);
  }
  return { data, metadata: files };
};

const filesUnder = async (directory: string): Promise<readonly string[]> => {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if (missing(error)) return [];
    throw error;
  }
};

/** @returns how many files were removed */
export const removeOrphans = async (directory: string): Promise<number> => {
  const table = await loadTable(directory);
  const kept =
    table === null
      ? { data: new Set<string>(), metadata: new Set<string>() }
      : await referencedFiles(directory, table.metadata);
  let removed = 0;
  const emptied = new Set<string>();
  for (const path of await filesUnder(dataDirectory(directory))) {
    if (kept.data.has(path)) continue;
    await unlink(path);
    emptied.add(join(path, '..'));
    removed++;
  }
  for (const path of emptied) await rmdir(path).catch(() => undefined);
  for (const path of await filesUnder(metadataDirectory(directory))) {
    if (!(path.endsWith('.avro') || path.endsWith('.tmp')) || kept.metadata.has(path)) continue;
    await unlink(path);
    removed++;
  }
  // A writer killed between its commit and the hint leaves the hint one behind.
  if (table !== null) await writeHint(directory, table.version);
  return removed;
};
