/**
 * The log's tables and the statements on them. A batch row is what one commit appended to one
 * partition: offsets [base, base + count), one log time, records and their headers as in
 * batch-codec.ts.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { ConsumerPosition } from '#domain/ports/log.ts';
import type { EncodedBatch, StoredBatch } from '#infra/sqlite/batch-codec.ts';

const LOG_TABLES = `
  CREATE TABLE IF NOT EXISTS log_partition (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, partition INTEGER NOT NULL, begin INTEGER NOT NULL DEFAULT 0,
    UNIQUE (topic, partition)
  );
  CREATE TABLE IF NOT EXISTS log_batch (
    partition_id INTEGER NOT NULL, base INTEGER NOT NULL, count INTEGER NOT NULL, log_time INTEGER NOT NULL, data BLOB NOT NULL,
    headers TEXT
  );
  CREATE UNIQUE INDEX IF NOT EXISTS log_batch_at ON log_batch (partition_id, base);
  CREATE INDEX IF NOT EXISTS log_batch_known ON log_batch (partition_id, log_time, base);
  CREATE TABLE IF NOT EXISTS log_position (
    consumer TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL,
    PRIMARY KEY (consumer, topic, partition)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS log_producer (
    producer TEXT NOT NULL, topic TEXT NOT NULL, next INTEGER NOT NULL,
    PRIMARY KEY (producer, topic)
  ) WITHOUT ROWID;
`;

/** Idempotent; adds the column of headers to data directories that were made without it. */
export const createLogTables = (db: DatabaseSync): void => {
  db.exec(LOG_TABLES);
  const columns = db.prepare("SELECT name FROM pragma_table_info('log_batch')").all() as {
    name: string;
  }[];
  if (!columns.some(({ name }) => name === 'headers'))
    db.exec('ALTER TABLE log_batch ADD COLUMN headers TEXT');
};

export interface PartitionRow {
  readonly id: number;
  readonly topic: string;
  readonly partition: number;
  readonly begin: number;
  /** next offset to be written */
  readonly end: number;
}

/** `end` follows from the newest batch; where all were trimmed, from `begin`. */
const PARTITIONS = `
  SELECT id, topic, partition, begin,
    max(begin, coalesce((SELECT base + count FROM log_batch WHERE partition_id = id ORDER BY base DESC LIMIT 1), 0)) AS "end"
  FROM log_partition`;

export interface LogReads {
  partitions(): readonly PartitionRow[];
  partitionsOf(topic: string): readonly PartitionRow[];
  /** The batch that holds `offset`, or the first after it; null at the end. */
  batch(partition: PartitionRow, offset: number): StoredBatch | null;
  /** The first offset whose log time is past `time`. */
  offsetAt(partition: PartitionRow, time: number): number;
  positions(
    consumer: string,
    topic: string,
  ): readonly { readonly partition: number; readonly next: number }[];
  producer(producer: string, topic: string): number;
  newestLogTime(): number;
}

type BatchColumns = {
  base: number;
  count: number;
  log_time: number;
  data: Uint8Array;
  headers: string | null;
};

export const logReads = (db: DatabaseSync): LogReads => {
  const partitions = db.prepare(`${PARTITIONS} ORDER BY topic, partition`);
  const partitionsOf = db.prepare(`${PARTITIONS} WHERE topic = ? ORDER BY partition`);
  const holding = db.prepare(
    'SELECT base, count, log_time, data, headers FROM log_batch WHERE partition_id = ? AND base <= ? ORDER BY base DESC LIMIT 1',
  );
  const after = db.prepare(
    'SELECT base, count, log_time, data, headers FROM log_batch WHERE partition_id = ? AND base > ? ORDER BY base LIMIT 1',
  );
  const past = db.prepare(
    'SELECT base FROM log_batch WHERE partition_id = ? AND log_time > ? ORDER BY log_time, base LIMIT 1',
  );
  const positions = db.prepare(
    'SELECT partition, next FROM log_position WHERE consumer = ? AND topic = ? ORDER BY partition',
  );
  const producer = db.prepare('SELECT next FROM log_producer WHERE producer = ? AND topic = ?');
  const newest = db.prepare('SELECT log_time FROM log_batch ORDER BY rowid DESC LIMIT 1');

  return {
    partitions: () => partitions.all() as unknown as PartitionRow[],
    partitionsOf: (topic) => partitionsOf.all(topic) as unknown as PartitionRow[],
    batch({ id, topic, partition }, offset) {
      let row = holding.get(id, offset) as BatchColumns | undefined;
      if (row === undefined || row.base + row.count <= offset)
        row = after.get(id, offset) as BatchColumns | undefined;
      return row === undefined
        ? null
        : {
            topic,
            partition,
            base: row.base,
            count: row.count,
            logTime: row.log_time,
            data: row.data,
            headers: row.headers,
          };
    },
    offsetAt({ id, begin, end }, time) {
      const row = past.get(id, time) as { base: number } | undefined;
      return Math.max(begin, row?.base ?? end);
    },
    positions: (consumer, topic) =>
      positions.all(consumer, topic) as { partition: number; next: number }[],
    producer: (id, topic) => (producer.get(id, topic) as { next: number } | undefined)?.next ?? 0,
    newestLogTime: () => (newest.get() as { log_time: number } | undefined)?.log_time ?? 0,
  };
};

export interface LogWrites {
  addPartition(topic: string, partition: number): number;
  batch(partitionId: number, base: number, logTime: number, batch: EncodedBatch): void;
  position(position: ConsumerPosition): void;
  producer(producer: string, topic: string, next: number): void;
  trim(partitionId: number, beforeOffset: number): void;
}

export const logWrites = (db: DatabaseSync): LogWrites => {
  const addPartition = db.prepare('INSERT INTO log_partition (topic, partition) VALUES (?, ?)');
  const batch = db.prepare(
    'INSERT INTO log_batch (partition_id, base, count, log_time, data, headers) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const position = db.prepare(
    'INSERT INTO log_position VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET next = excluded.next',
  );
  const producer = db.prepare(
    'INSERT INTO log_producer VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET next = excluded.next',
  );
  const begin = db.prepare('UPDATE log_partition SET begin = ? WHERE id = ?');
  const forget = db.prepare(
    'DELETE FROM log_batch WHERE partition_id = ? AND base + count <= ? AND base < ?',
  );

  return {
    addPartition: (topic, partition) => Number(addPartition.run(topic, partition).lastInsertRowid),
    batch(partitionId, base, logTime, { count, data, headers }) {
      batch.run(partitionId, base, count, logTime, data, headers);
    },
    position({ consumer, topic, partition, offset }) {
      position.run(consumer, topic, partition, offset);
    },
    producer(id, topic, next) {
      producer.run(id, topic, next);
    },
    trim(partitionId, beforeOffset) {
      begin.run(beforeOffset, partitionId);
      forget.run(partitionId, beforeOffset, beforeOffset);
    },
  };
};
