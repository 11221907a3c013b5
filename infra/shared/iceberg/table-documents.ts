/** The metadata of tables, as the catalog serves it. */
import { fail } from '#domain/errors.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import type { TableDocuments } from '#domain/ports/table-documents.ts';
import { locationOf, withScheme } from '#infra/shared/files/hadoop-location.ts';
import { stringifyExact } from './exact-numbers.ts';
import type { TableMetadata } from './metadata.ts';
import { loadTable, metadataUri, tableDirectory, versionUri } from './table-directory.ts';

/** The snapshot log may name snapshots that the document leaves out, as after they expired. */
const onlyReferenced = (metadata: TableMetadata): TableMetadata => {
  const named = new Set(Object.values(metadata.refs).map((ref) => ref['snapshot-id']));
  named.add(metadata['current-snapshot-id']);
  return {
    ...metadata,
    snapshots: metadata.snapshots.filter((snapshot) => named.has(snapshot['snapshot-id'])),
  };
};

/** @param root the directory of the tables */
export const tableDocuments = (root: Directory): TableDocuments => ({
  async exists(topic) {
    // Each commit writes it.
    const hint = metadataUri(tableDirectory(root, topic), 'version-hint.text');
    return (await root.files.stat(hint)) !== null;
  },
  async load(topic, snapshots) {
    const table = tableDirectory(root, topic);
    const loaded = await loadTable(table);
    if (loaded === null) return null;
    const { version, metadata } = loaded;
    const here = locationOf(table.uri);
    if (withScheme(metadata.location) !== withScheme(here))
      fail(
        'MR_REFUSED',
        `the table of ${topic} is in ${here} and names its files in ${metadata.location}: other engines can read it only there`,
        { topic, location: metadata.location },
      );
    return {
      location: locationOf(versionUri(table, version)),
      metadata: stringifyExact(snapshots === 'all' ? metadata : onlyReferenced(metadata)),
    };
  },
});
