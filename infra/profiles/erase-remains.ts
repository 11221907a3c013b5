/** What an erasure leaves, with the reason. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Remains } from '#domain/erasure/certificate.ts';
import { REGISTRY_TOPIC } from '#domain/ports/topics.ts';
import { readCatalog } from '#infra/backup/catalog.ts';
import { decodeBatch } from '#infra/sqlite/batch-codec.ts';
import { logReads } from '#infra/sqlite/log-tables.ts';
import type { EntityIn } from './erase-scope.ts';

/** Positions in the chain whose text names the entity; at most these many are listed. */
const MOST_LISTED = 20;

const ALWAYS: readonly Remains[] = [
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

const list = (positions: readonly number[]): string =>
  `${positions.slice(0, MOST_LISTED).join(', ')}${positions.length > MOST_LISTED ? ', …' : ''}`;

/** Commits of the registry and audit records that name the entity, such as a replay of its keys. */
const inChains = (db: DatabaseSync, { isInText }: EntityIn): readonly Remains[] => {
  const chains = [
    ['registry_commit', 'SELECT position, body AS text FROM registry_commit', 'registry commit'],
    ['audit', 'SELECT sequence AS position, record AS text FROM audit', 'audit record'],
  ] as const;
  return chains.flatMap(([table, sql, what]) => {
    const found = hasTable(db, table) ? named(db, sql, isInText) : [];
    if (found.length === 0)
      return [{ what: `no ${what}`, why: 'none names the entity: nothing remains there' }];
    return [
      {
        what: `${what}s ${list(found)}`,
        why: 'they name the entity, as a command did, and the chain could not be verified without them',
      },
    ];
  });
};

/** Shorter texts are in any record by chance. */
const LEAST_BYTES = 5;

/**
 * Records of others that have the key among their bytes: a registry event that names it, a field
 * that is no key, an element of a list.
 */
const inOtherRecords = (db: DatabaseSync, { scope }: EntityIn): readonly Remains[] => {
  const texts = scope.keyNames.length === 1 ? scope.texts : scope.keys;
  const needles = texts.map((text) => Buffer.from(text)).filter((b) => b.length >= LEAST_BYTES);
  const has = (bytes: Uint8Array): boolean =>
    needles.some((one) => Buffer.from(bytes).includes(one));
  const found: Remains[] = [];
  const reads = logReads(db);
  for (const partition of reads.partitions()) {
    const { topic, partition: number } = partition;
    const offsets = reads.ranges(partition).flatMap(({ base }) => {
      const batch = reads.exactBatch(partition, base);
      if (!has(batch.data)) return [];
      return decodeBatch(batch, 0)
        .filter(({ key, value }) => has(value) || (key !== null && has(Buffer.from(key))))
        .map(({ offset }) => offset);
    });
    if (offsets.length === 0) continue;
    const why =
      topic === REGISTRY_TOPIC
        ? 'copies of the registry’s commits, which name the entity'
        : 'they are of others, and have the key in a field that is no key of theirs';
    found.push({ what: `${topic}@${number}, offsets ${list(offsets)}`, why });
  }
  return found;
};

const inBackups = async (directories: readonly string[]): Promise<readonly Remains[]> => {
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

export const remainsOf = async (
  db: DatabaseSync,
  entity: EntityIn,
  backups: readonly string[],
): Promise<readonly Remains[]> => [
  ...inChains(db, entity),
  ...inOtherRecords(db, entity),
  ...(backups.length === 0
    ? [
        {
          what: 'backups',
          why: 'none were named with --backups: those made before have the entity',
        },
      ]
    : await inBackups(backups)),
  ...ALWAYS,
];
