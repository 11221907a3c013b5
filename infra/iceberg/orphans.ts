/**
 * Files that no snapshot refers to: what killed writers and lost races leave behind. Only the owner
 * of the data directory may delete them, while no writer is at work: a file of a commit under way
 * is an orphan too.
 */
import type { Directory } from '#domain/ports/file-io.ts';
import { liveEntries, manifestsOf } from '#infra/shared/iceberg/append.ts';
import type { ManifestFile } from '#infra/shared/iceberg/manifest.ts';
import type { TableMetadata } from '#infra/shared/iceberg/metadata.ts';
import {
  dataDirectory,
  loadTable,
  metadataDirectory,
  uriOf,
  writeHint,
} from '#infra/shared/iceberg/table-directory.ts';

interface Referenced {
  /** URIs */
  readonly data: ReadonlySet<string>;
  readonly metadata: ReadonlySet<string>;
}

/** Every file that some snapshot of the table refers to. */
export const referencedFiles = async (
  table: Directory,
  metadata: TableMetadata,
): Promise<Referenced> => {
  const data = new Set<string>();
  const files = new Set<string>();
  const seen = new Set<string>();
  const visit = async (manifest: ManifestFile): Promise<void> => {
    if (seen.has(manifest.manifest_path)) return;
    seen.add(manifest.manifest_path);
    files.add(uriOf(table, metadata, manifest.manifest_path));
    for (const { data_file } of await liveEntries(table, metadata, manifest))
      data.add(uriOf(table, metadata, data_file.file_path));
  };
  for (const snapshot of metadata.snapshots) {
    files.add(uriOf(table, metadata, snapshot['manifest-list']));
    for (const manifest of await manifestsOf(table, metadata, snapshot)) await visit(manifest);
  }
  return { data, metadata: files };
};

const parentOf = (uri: string): string => uri.slice(0, uri.lastIndexOf('/'));
const isOrphanable = (uri: string): boolean => uri.endsWith('.avro') || uri.endsWith('.tmp');

/** @returns how many files were deleted */
export const removeOrphans = async (table: Directory): Promise<number> => {
  const { files } = table;
  const current = await loadTable(table);
  const kept: Referenced =
    current === null
      ? { data: new Set(), metadata: new Set() }
      : await referencedFiles(table, current.metadata);
  const data = dataDirectory(table);
  const orphans = (await files.list(data)).filter((uri) => !kept.data.has(uri));
  for (const uri of orphans) await files.delete(uri);
  const inUse = new Set([...kept.data].map(parentOf));
  for (const directory of new Set(orphans.map(parentOf)))
    if (directory !== data && !inUse.has(directory)) await files.deleteDirectory(directory);
  const manifests = (await files.list(metadataDirectory(table))).filter(
    (uri) => isOrphanable(uri) && !kept.metadata.has(uri),
  );
  for (const uri of manifests) await files.delete(uri);
  const unfinished = await files.deleteUnfinished(table.uri);
  // A writer that is killed between its commit and the hint leaves the hint one version behind.
  if (current !== null) await writeHint(table, current.version);
  return orphans.length + manifests.length + unfinished;
};
