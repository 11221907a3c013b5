/** What an erasure leaves, with the reason. */
import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Remains } from '#domain/erasure/certificate.ts';
import type { ErasureScope } from '#domain/erasure/scope.ts';
import { REGISTRY_TOPIC } from '#domain/ports/topics.ts';
import { readCatalog } from '#infra/backup/catalog.ts';
import { decodeBatch } from '#infra/sqlite/batch-codec.ts';
import { logReads } from '#infra/sqlite/log-tables.ts';
import type { EntityIn } from './erase-scope.ts';

/** So many at the most, such as positions in the chain. */
const MOST_LISTED = 20;

export const ALWAYS: readonly Remains[] = [
  {
    what: 'files outside the data directory: data sets written with `out`, exports, batch scores',
    why: 'the platform does not keep them; the people who asked for them are in the audit log',
  },
  {
    what: 'blocks of the disk that deleted files had used',
    why: 'the file system frees them without overwriting them; an encrypted disk protects them',
  },
  {
    what: 'copies of the data directory that other programs made, and systems that received exports',
    why: 'the platform does not know of them',
  },
];

const named = (
  db: DatabaseSync,
  sql: string,
  isInText: (text: string) => boolean,
): readonly number[] => {
  const positions: number[] = [];
  const rows = db.prepare(sql).iterate() as Iterable<unknown> as Iterable<{
    position: number;
    text: string;
  }>;
  for (const { position, text } of rows) if (isInText(text)) positions.push(position);
  return positions;
};

export const hasTable = (db: DatabaseSync, name: string): boolean =>
  db.prepare('SELECT 1 FROM sqlite_master WHERE name = ?').get(name) !== undefined;

export const listed = (all: readonly (number | string)[]): string =>
  `${all.slice(0, MOST_LISTED).join(', ')}${all.length > MOST_LISTED ? ', …' : ''}`;

/**
 * Commits of the registry and audit records that name the entity, such as a replay of its keys.
 * @param what one of them
 */
export const inChain = (what: string, found: readonly number[]): Remains =>
  found.length === 0
    ? { what: `no ${what}`, why: 'none names the entity: nothing remains there' }
    : {
        what: `${what}s ${listed(found)}`,
        why: 'they name the entity, as a command did, and the chain could not be verified without them',
      };

const inChains = (db: DatabaseSync, { isInText }: EntityIn): readonly Remains[] => {
  const chains = [
    ['registry_commit', 'SELECT position, body AS text FROM registry_commit', 'registry commit'],
    ['audit', 'SELECT sequence AS position, record AS text FROM audit', 'audit record'],
  ] as const;
  return chains.map(([table, sql, what]) =>
    inChain(what, hasTable(db, table) ? named(db, sql, isInText) : []),
  );
};

/** Shorter texts are in any record by chance. */
const LEAST_BYTES = 5;

/** What is searched as bytes: of a compound key all of it, because its parts are others' too. */
export const needlesOf = ({ keys, keyNames, texts }: ErasureScope): readonly string[] =>
  (keyNames.length === 1 ? texts : keys).filter((text) => Buffer.byteLength(text) >= LEAST_BYTES);

/** Whether bytes have the key in them; never, where it is too short. */
export const bytesTest = (scope: ErasureScope): ((bytes: Uint8Array | null) => boolean) => {
  const needles = needlesOf(scope).map((text) => Buffer.from(text));
  return (bytes) => {
    if (bytes === null || needles.length === 0) return false;
    const { buffer, byteOffset, byteLength } = bytes;
    const searched = Buffer.from(buffer, byteOffset, byteLength);
    return needles.some((needle) => searched.includes(needle));
  };
};

/** Records of others that have the key among their bytes. */
export const inRecordsOfOthers = (
  topic: string,
  partition: number,
  offsets: readonly number[],
): Remains => ({
  what: `${topic}@${partition}, offsets ${listed(offsets)}`,
  why:
    topic === REGISTRY_TOPIC
      ? 'copies of the registry’s commits, which name the entity'
      : 'they are of others, and have the key in a field that is no key of theirs',
});

/**
 * Records of others that have the key among their bytes: a registry event that names it, a field
 * that is no key, an element of a list.
 */
const inOtherRecords = (db: DatabaseSync, { scope }: EntityIn): readonly Remains[] => {
  const has = bytesTest(scope);
  const found: Remains[] = [];
  const reads = logReads(db);
  for (const partition of reads.partitions()) {
    const { topic, partition: number } = partition;
    const offsets = reads.ranges(partition).flatMap(({ base }) => {
      const batch = reads.exactBatch(partition, base);
      if (!has(batch.data)) return [];
      return decodeBatch(batch, 0)
        .filter(({ key, value }) => has(value) || has(key === null ? null : Buffer.from(key)))
        .map(({ offset }) => offset);
    });
    if (offsets.length === 0) continue;
    found.push(inRecordsOfOthers(topic, number, offsets));
  }
  return found;
};

export const inBackups = async (directories: readonly string[]): Promise<readonly Remains[]> => {
  if (directories.length === 0)
    return [
      {
        what: 'backups',
        why: 'none were named with --backups: those made before have the entity',
      },
    ];
  const all: Remains[] = [];
  for (const directory of directories) {
    if (!existsSync(directory)) {
      all.push({ what: `backups in ${resolve(directory)}`, why: 'there is no such directory' });
      continue;
    }
    const catalog = await readCatalog(directory);
    for (const { id, time } of catalog?.backups ?? [])
      all.push({
        what: `backup ${id} in ${resolve(directory)}`,
        why: `made at ${new Date(time).toISOString()}, before the erasure, and backups are never changed: delete the directory, or run erase again with --remove-backups`,
      });
  }
  return all;
};

/** Removes all backups of the directories. @returns the directories that had some */
export const removeBackupsIn = async (
  directories: readonly string[],
): Promise<readonly string[]> => {
  const removed: string[] = [];
  for (const directory of directories) {
    if ((await readCatalog(directory)) === null) continue;
    rmSync(join(directory, 'catalog.json'), { force: true });
    rmSync(join(directory, 'content'), { recursive: true, force: true });
    removed.push(resolve(directory));
  }
  return removed;
};

export const remainsOf = async (
  db: DatabaseSync,
  entity: EntityIn,
  backups: readonly string[],
): Promise<readonly Remains[]> => [
  ...inChains(db, entity),
  ...inOtherRecords(db, entity),
  ...(await inBackups(backups)),
  ...ALWAYS,
];
