/**
 * A table's directory, in Hadoop's layout:
 *
 *     metadata/v<n>.metadata.json   one a commit; made by an atomic link, so of two racing commits one wins
 *     metadata/version-hint.text    <n>, written after: readers go on from there to the newest
 *     metadata/*.avro               manifests and manifest lists
 *     data/<column>_day=…/*.parquet
 *
 * Paths in the metadata are absolute, as the format wants; ours are found again relative to the
 * directory, so that a data directory may be moved.
 */
import { randomUUID } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createDurable, makeDirectory, missing, replaceDurable } from '#infra/files/local-files.ts';
import { parseMetadata, type TableMetadata } from './metadata.ts';

export interface TableVersion {
  readonly version: number;
  readonly metadata: TableMetadata;
}

/** `raw.flights` → <root>/raw/flights */
export const tableDirectory = (root: string, topic: string): string => {
  const dot = topic.indexOf('.');
  return dot < 0 ? join(root, topic) : join(root, topic.slice(0, dot), topic.slice(dot + 1));
};

export const metadataDirectory = (table: string): string => join(table, 'metadata');
export const dataDirectory = (table: string): string => join(table, 'data');
export const metadataFile = (table: string, version: number): string =>
  join(metadataDirectory(table), `v${version}.metadata.json`);
const hintFile = (table: string): string => join(metadataDirectory(table), 'version-hint.text');

export const locationOf = (table: string): string => `file://${table}`;

/** `file:///x`, `file:/x` (as Hadoop writes it) and `/x` are one path. */
const withoutScheme = (path: string): string => path.replace(/^file:\/+/, '/');

/** Where a path of the metadata is on this machine now. */
export const localPath = (table: string, metadata: TableMetadata, path: string): string => {
  const location = withoutScheme(metadata.location);
  const plain = withoutScheme(path);
  return plain.startsWith(`${location}/`) ? join(table, plain.slice(location.length + 1)) : plain;
};

const fileExists = async (path: string): Promise<boolean> => {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (missing(error)) return false;
    throw error;
  }
};

const VERSION = /^v(\d+)\.metadata\.json$/;

export const metadataVersions = async (table: string): Promise<readonly number[]> => {
  try {
    const names = await readdir(metadataDirectory(table));
    return names.flatMap((name) => VERSION.exec(name)?.[1] ?? []).map(Number);
  } catch (error) {
    if (missing(error)) return [];
    throw error;
  }
};

/** @param known a version that is there, or was: the search starts at it */
const newestVersion = async (table: string, known: number): Promise<number> => {
  let version = known;
  if (version === 0 || !(await fileExists(metadataFile(table, version))))
    version = Math.max(0, ...(await metadataVersions(table)));
  while (await fileExists(metadataFile(table, version + 1))) version++;
  return version;
};

/**
 * The newest version; null where there is no table. @param last what the caller read before,
 * returned again where it is still the newest
 */
export const loadTable = async (
  table: string,
  last: TableVersion | null = null,
): Promise<TableVersion | null> => {
  const version = await newestVersion(table, last?.version ?? 0);
  if (version === 0) return null;
  if (last?.version === version) return last;
  const path = metadataFile(table, version);
  return { version, metadata: parseMetadata(await readFile(path, 'utf8'), path) };
};

export const writeHint = (table: string, version: number): Promise<void> =>
  replaceDurable(
    hintFile(table),
    join(metadataDirectory(table), `${randomUUID()}.tmp`),
    String(version),
  );

const KEPT_IN_LOG = 100;

/** @returns null where another commit took the version: load again, look, and retry */
export const commitTable = async (
  table: string,
  base: TableVersion | null,
  next: TableMetadata,
): Promise<TableVersion | null> => {
  const version = (base?.version ?? 0) + 1;
  // Versions long past are removed: their names are free again, and must not be taken.
  if ((await newestVersion(table, base?.version ?? 0)) >= version) return null;
  await makeDirectory(metadataDirectory(table));
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
  const created = await createDurable(
    metadataFile(table, version),
    join(metadataDirectory(table), `${randomUUID()}.tmp`),
    JSON.stringify(metadata),
  );
  if (!created) return null;
  await writeHint(table, version);
  return { version, metadata };
};
