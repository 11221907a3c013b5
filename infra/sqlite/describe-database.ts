/** What a database contains: the moment of a backup. */
import type { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '#domain/errors.ts';
import { openForReading } from '#infra/sqlite/database.ts';
import { type LogReads, logReads } from '#infra/sqlite/log-tables.ts';
import { positionsUntil, sequencesUntil } from '#infra/sqlite/past-tables.ts';
import { commitsOf } from '#infra/sqlite/registry-rows.ts';
import { checkedSchema } from '#infra/sqlite/schema-registry.ts';

export interface TopicExtent {
  readonly topic: string;
  /** by partition: first offset, next offset */
  readonly begin: readonly number[];
  readonly end: readonly number[];
}

export interface DatabaseMoment {
  /** the platform's id, a UUID */
  readonly platform: string;
  readonly topics: readonly TopicExtent[];
  /** position of the registry's newest commit; 0: none */
  readonly registry: number;
  /** the newest record of the audit chain; null: none */
  readonly audit: { readonly sequence: number; readonly hash: string } | null;
  /** log time of the newest commit, epoch ms; 0: none */
  readonly logTime: number;
}

const hasTable = (db: DatabaseSync, table: string): boolean =>
  db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(table) !==
  undefined;

const topicsOf = (reads: LogReads): readonly TopicExtent[] => {
  const topics = new Map<string, { begin: number[]; end: number[] }>();
  for (const { topic, begin, end } of reads.partitions()) {
    const found = topics.get(topic) ?? { begin: [], end: [] };
    topics.set(topic, { begin: [...found.begin, begin], end: [...found.end, end] });
  }
  return [...topics].map(([topic, extent]) => ({ topic, ...extent }));
};

const newestAudit = (db: DatabaseSync): DatabaseMoment['audit'] => {
  const row = db.prepare('SELECT sequence, hash FROM audit_head').get();
  return row === undefined ? null : { ...(row as { sequence: number; hash: string }) };
};

const reading = <T>(path: string, read: (db: DatabaseSync) => T): T => {
  const db = openForReading(path);
  try {
    return read(db);
  } finally {
    db.close();
  }
};

/** What this release makes when it opens a database. */
const TABLES = ['platform', 'log_past_from', 'registry_commit', 'audit_head'];

/**
 * null: it is no database of a platform
 * @throws MR_REFUSED where only an earlier release has opened it
 */
export const describeDatabase = (path: string): DatabaseMoment | null =>
  reading(path, (db) => {
    if (!hasTable(db, 'log_partition')) return null;
    if (!TABLES.every((table) => hasTable(db, table)))
      throw new MillraceError(
        'MR_REFUSED',
        `The database ${path} was last opened by an earlier release, without what a backup needs. Start this release on it once (\`millrace serve\`), then back it up.`,
        { path },
      );
    const reads = logReads(db);
    const row = db.prepare('SELECT id FROM platform').get() as { id: string } | undefined;
    const head = db.prepare('SELECT coalesce(max(position), 0) AS head FROM registry_commit').get();
    return row === undefined
      ? null
      : {
          platform: row.id,
          topics: topicsOf(reads),
          registry: (head as { head: number }).head,
          audit: newestAudit(db),
          logTime: reads.newestLogTime(),
        };
  });

const checkLog = (db: DatabaseSync, reads: LogReads): void => {
  for (const partition of reads.partitions())
    for (let next = partition.begin; next < partition.end; ) {
      const batch = reads.batch(partition, next);
      if (batch === null) break;
      next = batch.base + batch.count;
    }
  const positions = db.prepare('SELECT DISTINCT consumer, topic FROM log_position').all();
  for (const { consumer, topic } of positions as { consumer: string; topic: string }[])
    reads.positions(consumer, topic);
  const producers = db.prepare('SELECT producer, topic FROM log_producer').all();
  for (const { producer, topic } of producers as { producer: string; topic: string }[])
    reads.producer(producer, topic);
  positionsUntil(db, Number.POSITIVE_INFINITY);
  sequencesUntil(db, Number.POSITIVE_INFINITY);
};

/**
 * Reads every row that has a checksum, so that no damage gets into a backup as if it were data.
 * @throws MR_DATA_DAMAGED
 */
export const checkDatabase = (path: string): void =>
  reading(path, (db) => {
    checkLog(db, logReads(db));
    for (const _ of commitsOf(db));
    const schemas = db.prepare('SELECT id, text, checksum FROM schema_text').all();
    for (const row of schemas as ({ id: number } & Parameters<typeof checkedSchema>[1])[])
      checkedSchema(row.id, row);
  });
