/**
 * After a cut: topics and schemas of definitions that no longer exist, or of later versions, are
 * removed, so that what is registered next is not compared with them.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Kind } from '#domain/definitions/model.ts';
import {
  featureLogTopic,
  featuresTopic,
  ingestTopic,
  lateTopic,
  rawTopic,
  rejectedTopic,
  resentTopic,
  snapshotTopic,
} from '#domain/ports/topics.ts';
import { streamOf } from '#domain/registry/events.ts';
import { decodeBatch } from '#infra/sqlite/batch-codec.ts';
import { logReads } from '#infra/sqlite/log-tables.ts';

const TOPICS: readonly (readonly [topic: (name: string) => string, kind: Kind])[] = [
  ...[rawTopic, rejectedTopic, resentTopic, snapshotTopic, ingestTopic].map(
    (topic) => [topic, 'source'] as const,
  ),
  [featuresTopic, 'feature-view'],
  [lateTopic, 'feature-view'],
  [featureLogTopic, 'feature-service'],
];

/** The stream of the definition that a topic belongs to; null: to none. */
const ownerOf = (topic: string): string | null => {
  for (const [topicOf, kind] of TOPICS) {
    const prefix = topicOf('');
    if (topic.startsWith(prefix)) return streamOf(kind, topic.slice(prefix.length));
  }
  return null;
};

/** The ids of the schemas that the topic's records have. */
const usedSchemas = (db: DatabaseSync, topic: string): ReadonlySet<number> => {
  const reads = logReads(db);
  const used = new Set<number>();
  for (const partition of reads.partitionsOf(topic))
    for (let next = partition.begin; next < partition.end; ) {
      const batch = reads.batch(partition, next);
      if (batch === null) break;
      for (const { schemaId } of decodeBatch(batch, next)) used.add(schemaId);
      next = batch.base + batch.count;
    }
  return used;
};

const dropLaterSchemas = (db: DatabaseSync, topic: string): void => {
  const subject = `${topic}-value`;
  const versions = db
    .prepare('SELECT version, id FROM schema_version WHERE subject = ? ORDER BY version')
    .all(subject) as { version: number; id: number }[];
  if (versions.length < 2) return;
  const used = usedSchemas(db, topic);
  const kept = versions.findLast(({ id }) => used.has(id))?.version ?? 0;
  db.prepare('DELETE FROM schema_version WHERE subject = ? AND version > ?').run(subject, kept);
};

export const dropLaterTopics = (db: DatabaseSync): void => {
  const streams = new Set(
    (db.prepare('SELECT DISTINCT stream FROM registry_commit').all() as { stream: string }[]).map(
      ({ stream }) => stream,
    ),
  );
  const topics = new Set(
    logReads(db)
      .partitions()
      .map(({ topic }) => topic),
  );
  for (const topic of topics) {
    const owner = ownerOf(topic);
    if (owner === null || streams.has(owner)) {
      dropLaterSchemas(db, topic);
      continue;
    }
    db.prepare('DELETE FROM log_partition WHERE topic = ?').run(topic);
    db.prepare('DELETE FROM schema_version WHERE subject = ?').run(`${topic}-value`);
    for (const table of ['log_position', 'log_producer', 'log_position_past', 'log_producer_past'])
      db.prepare(`DELETE FROM ${table} WHERE topic = ?`).run(topic);
  }
};
