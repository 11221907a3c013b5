/**
 * A table's directory, in Hadoop's layout:
 *
 *     metadata/v<n>.metadata.json   one per commit, created atomically: one of two rivals wins
 *     metadata/version-hint.text    <n>, written afterwards: other readers search from there on
 *     metadata/*.avro               manifests and manifest lists
 *     data/<column>_day=…/*.parquet
 *
 * Each file carries a checksum (checked-files.ts, metadata-text.ts), which is checked on read.
 *
 * Locations inside the metadata are absolute, and in Hadoop's form, as other engines expect: not
 * percent-encoded. Locations of this table are resolved relative to its directory, so a data
 * directory can be moved.
 */
import { type Directory, joinUri, nameOf, subdirectory } from '#domain/ports/file-io.ts';
import { uriOfLocation, withScheme } from '#infra/shared/files/hadoop-location.ts';
import { damagedFile, readChecked } from './checked-files.ts';
import type { TableMetadata } from './metadata.ts';
import { metadataOfText, metadataText } from './metadata-text.ts';

export interface TableVersion {
  readonly version: number;
  readonly metadata: TableMetadata;
}

/** `raw.flights` → <root>/raw/flights */
export const tableDirectory = (root: Directory, topic: string): Directory => {
  const dot = topic.indexOf('.');
  return dot < 0
    ? subdirectory(root, topic)
    : subdirectory(root, topic.slice(0, dot), topic.slice(dot + 1));
};

export const dataDirectory = (table: Directory): string => joinUri(table.uri, 'data');
export const metadataDirectory = (table: Directory): string => joinUri(table.uri, 'metadata');
export const metadataUri = (table: Directory, name: string): string =>
  joinUri(table.uri, 'metadata', name);
export const versionUri = (table: Directory, version: number): string =>
  metadataUri(table, `v${version}.metadata.json`);

/** The current URI of a location in the metadata. */
export const uriOf = (table: Directory, metadata: TableMetadata, location: string): string => {
  const base = withScheme(metadata.location);
  const full = withScheme(location);
  return full.startsWith(`${base}/`)
    ? joinUri(table.uri, ...full.slice(base.length + 1).split('/'))
    : uriOfLocation(full);
};

const VERSION = /^v(\d+)\.metadata\.json$/;

export const metadataVersions = async (table: Directory): Promise<readonly number[]> =>
  (await table.files.list(metadataDirectory(table)))
    .flatMap((uri) => VERSION.exec(nameOf(uri))?.[1] ?? [])
    .map(Number);

/** The version that the hint names, which may be behind; 0 where there is no hint to be read. */
const hintedVersion = async (table: Directory): Promise<number> => {
  const hint = await table.files.read(metadataUri(table, 'version-hint.text'));
  const text = hint === null ? '' : Buffer.from(hint).toString();
  return /^\d{1,9}$/.test(text) ? Number(text) : 0;
};

/**
 * @param recent a version that exists or has existed; the search starts there
 * @throws MR_DATA_DAMAGED where a version that was committed is missing: an earlier one would be
 * read, and its successor's files deleted
 */
const newestVersion = async (table: Directory, recent: number): Promise<number> => {
  const exists = async (version: number): Promise<boolean> =>
    (await table.files.stat(versionUri(table, version))) !== null;
  let version = recent;
  if (version === 0 || !(await exists(version))) {
    version = Math.max(0, ...(await metadataVersions(table)));
    const hinted = await hintedVersion(table);
    // The hint may also be of a commit since the list was read.
    if (hinted > version && !(await exists(hinted)))
      damagedFile(versionUri(table, hinted), 'it is missing');
    version = Math.max(version, hinted);
  }
  while (await exists(version + 1)) version++;
  return version;
};

/**
 * The newest version; null if there is no table.
 * @param last the version that the caller read before; returned again if it is still the newest
 */
export const loadTable = async (
  table: Directory,
  last: TableVersion | null = null,
): Promise<TableVersion | null> => {
  const version = await newestVersion(table, last?.version ?? 0);
  if (version === 0) return null;
  if (last?.version === version) return last;
  const uri = versionUri(table, version);
  const text = Buffer.from(await readChecked(table.files, uri)).toString();
  return { version, metadata: metadataOfText(version, text, uri) };
};

export const writeHint = (table: Directory, version: number): Promise<void> =>
  table.files.write(metadataUri(table, 'version-hint.text'), String(version));

const KEPT_IN_LOG = 100;

/** @returns null if another commit used the version: load the table again, and retry */
export const commitTable = async (
  table: Directory,
  base: TableVersion | null,
  next: TableMetadata,
): Promise<TableVersion | null> => {
  const version = (base?.version ?? 0) + 1;
  // Old versions are deleted; their names are free again, but must not be used again.
  if ((await newestVersion(table, base?.version ?? 0)) >= version) return null;
  const log =
    base === null
      ? []
      : [
          {
            'metadata-file': `${next.location}/metadata/v${base.version}.metadata.json`,
            'timestamp-ms': base.metadata['last-updated-ms'],
          },
        ];
  const metadata: TableMetadata = {
    ...next,
    'metadata-log': [...next['metadata-log'], ...log].slice(-KEPT_IN_LOG),
  };
  if (!(await table.files.create(versionUri(table, version), metadataText(version, metadata))))
    return null;
  await writeHint(table, version);
  return { version, metadata };
};
