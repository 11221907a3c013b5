/**
 * The files of one version of a table: they never change, so that copies of all of them are the
 * table as it was, whatever its writer does meanwhile. Only a writer's maintenance deletes files,
 * after it has committed a newer version that lacks them.
 */
import type { Directory } from '#domain/ports/file-io.ts';
import { currentSnapshot, endOffsetsOf } from '#infra/shared/iceberg/metadata.ts';
import {
  loadTable,
  metadataUri,
  tableDirectory,
  versionUri,
} from '#infra/shared/iceberg/table-directory.ts';
import { referencedFiles } from './orphans.ts';

export interface TableVersionFiles {
  readonly version: number;
  /** next offset by partition */
  readonly endOffsets: readonly number[];
  /** the file that names the version; it is written anew for each, so it has content here */
  readonly hint: { readonly uri: string; readonly text: string };
  /** URIs of all other files, that of the metadata among them. */
  readonly uris: () => Promise<readonly string[]>;
}

/** @returns null if there is no table */
export const newestTableFiles = async (
  root: Directory,
  topic: string,
): Promise<TableVersionFiles | null> => {
  const table = tableDirectory(root, topic);
  const loaded = await loadTable(table);
  if (loaded === null) return null;
  const { version, metadata } = loaded;
  return {
    version,
    endOffsets: endOffsetsOf(currentSnapshot(metadata)),
    hint: { uri: metadataUri(table, 'version-hint.text'), text: String(version) },
    async uris() {
      const { data, metadata: manifests } = await referencedFiles(table, metadata);
      return [versionUri(table, version), ...manifests, ...data];
    },
  };
};
