/**
 * Takes a database back to an earlier moment, as if its process had been killed right after the
 * last commit of that moment:
 *
 * | rows | what is kept |
 * |---|---|
 * | batches of all topics | those with a log time up to the moment |
 * | positions and sequences | as they were (past-tables.ts) |
 * | commits of the registry, audit records | the ones before the first commit that is later |
 * | topics and schemas | those of kept definitions; schemas that a kept record has |
 *
 * All records of one transaction have one log time, and log times never go back, so what is kept of
 * the log is a prefix of its transactions: events, their feature updates and the positions agree.
 */
import type { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '#domain/errors.ts';
import { type Database, openDatabase } from '#infra/sqlite/database.ts';
import { dropLaterTopics } from '#infra/sqlite/drop-later-topics.ts';
import { createErasedTables } from '#infra/sqlite/erased.ts';
import { logReads, logWrites, type PartitionRow } from '#infra/sqlite/log-tables.ts';
import { pastFrom, positionsUntil, sequencesUntil } from '#infra/sqlite/past-tables.ts';
import { commitsOf } from '#infra/sqlite/registry-rows.ts';

/** The last moment that is kept. */
export interface Cut {
  /** epoch ms */
  readonly logTime: number;
  /** the last commit of the registry; null: the last one until the log time */
  readonly registry: number | null;
}

const tooEarly = (message: string, details: Readonly<Record<string, string | number>>): never => {
  throw new MillraceError('MR_REFUSED', message, details);
};

const iso = (time: number): string => new Date(time).toISOString();

const endAt = (db: DatabaseSync, { id, topic, partition, begin }: PartitionRow, time: number) => {
  const row = db
    .prepare(
      'SELECT base + count AS "end" FROM log_batch WHERE partition_id = ? AND log_time <= ? ORDER BY base DESC LIMIT 1',
    )
    .get(id, time) as { end: number } | undefined;
  if (row !== undefined || begin === 0) return row?.end ?? 0;
  const next = db
    .prepare('SELECT 1 FROM log_batch WHERE partition_id = ? AND log_time > ? LIMIT 1')
    .get(id, time);
  if (next === undefined) return begin;
  return tooEarly(
    `The log of ${topic}, partition ${partition}, begins at offset ${begin}, after ${iso(time)}: earlier records were trimmed. Restore to a later moment, or from a backup made before.`,
    { topic, partition, begin },
  );
};

const cutLog = (db: DatabaseSync, time: number): void => {
  const from = pastFrom(db);
  if (time < from)
    tooEarly(
      `The positions of the log's readers are known since ${iso(from)}, not at ${iso(time)}: an earlier release wrote the log until then. Restore to a later moment, or from a backup made before.`,
      { from, time },
    );
  const partitions = logReads(db).partitions();
  const ends = new Map(
    partitions.map((at) => [`${at.topic}\n${at.partition}`, endAt(db, at, time)]),
  );
  const remove = db.prepare('DELETE FROM log_batch WHERE partition_id = ? AND log_time > ?');
  for (const { id } of partitions) remove.run(id, time);

  const writes = logWrites(db);
  const [positions, sequences] = [positionsUntil(db, time), sequencesUntil(db, time)];
  db.exec('DELETE FROM log_position; DELETE FROM log_producer');
  for (const { consumer, topic, partition, next } of positions)
    writes.position({
      consumer,
      topic,
      partition,
      offset: next ?? ends.get(`${topic}\n${partition}`) ?? 0,
    });
  for (const { producer, topic, next } of sequences) writes.producer(producer, topic, next);
  for (const table of ['log_position_past', 'log_producer_past'])
    db.prepare(`DELETE FROM ${table} WHERE log_time > ?`).run(time);
  createErasedTables(db);
  const forget = db.prepare(
    'DELETE FROM log_erased WHERE topic = ? AND partition = ? AND "offset" >= ?',
  );
  for (const { topic, partition } of partitions)
    forget.run(topic, partition, ends.get(`${topic}\n${partition}`) ?? 0);
};

/** @returns the position of the last commit that is kept */
const lastCommit = (db: DatabaseSync, { logTime, registry }: Cut): number => {
  let last = 0;
  for (const { position, command } of commitsOf(db)) {
    if (registry === null ? command.time > logTime : position > registry) break;
    last = position;
  }
  return last;
};

const cutRegistry = (db: DatabaseSync, last: number): void => {
  db.prepare('DELETE FROM registry_commit WHERE position > ?').run(last);
  db.prepare('DELETE FROM audit WHERE sequence > ?').run(last);
  db.exec('DELETE FROM audit_head');
  const newest = db
    .prepare('SELECT sequence, record FROM audit ORDER BY sequence DESC LIMIT 1')
    .get();
  if (newest === undefined) return;
  const { sequence, record } = newest as { sequence: number; record: string };
  const { hash } = JSON.parse(record) as { hash: string };
  db.prepare('INSERT INTO audit_head (one, sequence, hash) VALUES (1, ?, ?)').run(sequence, hash);
};

const cutAll = (database: Database, cut: Cut): void =>
  database.transaction(() => {
    const { db } = database;
    cutLog(db, cut.logTime);
    cutRegistry(db, lastCommit(db, cut));
    dropLaterTopics(db);
  });

/**
 * @param path a database that no process has open
 * @throws MR_REFUSED where the moment is before what the log can say
 */
export const cutDatabase = (path: string, cut: Cut): void => {
  const database = openDatabase(path);
  try {
    cutAll(database, cut);
    database.db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    database.close();
  }
};
