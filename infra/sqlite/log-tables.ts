/**
 * The log's tables and the statements on them. A batch row is what one commit appended to one
 * partition: offsets [base, base + count), one log time, records and their headers as in
 * batch-codec.ts. Batches, positions and sequences have checksums, and are checked when they are
 * read. Between the begin and the end of a partition there is no gap.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { ConsumerPosition } from '#domain/ports/log.ts';
import type { EncodedBatch, StoredBatch } from '#infra/sqlite/batch-codec.ts';
import { addColumn, assertUndamaged, damaged, rowChecksum } from '#infra/sqlite/checksums.ts';
import { createErasedTables } from '#infra/sqlite/erased.ts';
import { createPastTables, type PastWrites, pastWrites } from '#infra/sqlite/past-tables.ts';

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

/** By the times, not by the rows' order: a repair adds old records as new rows. */
const NEWEST_LOG_TIME = `SELECT max(
    coalesce((SELECT max((SELECT log_time FROM log_batch WHERE partition_id = id ORDER BY log_time DESC LIMIT 1))
      FROM log_partition), 0),
    coalesce((SELECT max(trimmed_time) FROM log_partition), 0)
  ) AS log_time`;

/** Idempotent; adds the columns that data directories of earlier releases lack. */
export const createLogTables = (db: DatabaseSync): void => {
  db.exec(LOG_TABLES);
  addColumn(db, 'log_batch', 'headers', 'TEXT');
  for (const table of ['log_batch', 'log_position', 'log_producer'])
    addColumn(db, table, 'checksum', 'INTEGER');
  addColumn(db, 'log_partition', 'trimmed_time', 'INTEGER NOT NULL DEFAULT 0');
  const newest = db.prepare(NEWEST_LOG_TIME).get() as { log_time: number } | undefined;
  createPastTables(db, newest?.log_time ?? 0);
  createErasedTables(db);
};

export interface PartitionRow {
  readonly id: number;
  readonly topic: string;
  readonly partition: number;
  readonly begin: number;
  /** next offset to be written */
  readonly end: number;
  /** log time of the newest record that was trimmed, epoch ms; 0: none was */
  readonly trimmedTime: number;
}

const MOST_BATCHES = 1_000;

/** `end` follows from the newest batch; where all were trimmed, from `begin`. */
const PARTITIONS = `
  SELECT id, topic, partition, begin, trimmed_time AS trimmedTime,
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
  /** Log time of the oldest record of a partition that the log has; null: it has none. */
  oldestLogTime(partition: PartitionRow): number | null;
  /** Up to where the oldest batches of a partition have about `bytes`: the next offset. */
  offsetAfter(partition: PartitionRow, bytes: number): number;
  /** Log time of the record before `offset`, or of one before that. */
  logTimeBefore(partition: PartitionRow, offset: number): number;
  /** The batches of a partition as they state themselves, unchecked. */
  ranges(partition: PartitionRow): readonly BatchRange[];
  /** The batch with this base. @throws MR_DATA_DAMAGED */
  exactBatch(partition: PartitionRow, base: number): StoredBatch;
  /** Whose positions and sequences the log has. */
  keys(): readonly PositionKey[];
}

export interface BatchRange {
  readonly base: number;
  readonly count: number;
}

export interface PositionKey {
  readonly topic: string;
  readonly consumer: string | null;
  readonly producer: string | null;
}

type BatchColumns = {
  base: number;
  count: number;
  log_time: number;
  data: Uint8Array;
  headers: string | null;
  checksum: number | null;
};

type NextColumns = { next: number; checksum: number | null };

type BatchPlace = Pick<PartitionRow, 'topic' | 'partition'>;

const batchName = ({ topic, partition }: BatchPlace, from: number, to: number): string =>
  `the log's batch of ${topic}, partition ${partition}, offsets ${from} to ${to - 1},`;

const checkedColumns = (
  { topic, partition }: BatchPlace,
  base: number,
  logTime: number,
  { count, headers }: Pick<EncodedBatch, 'count' | 'headers'>,
): readonly (string | number | null)[] => [topic, partition, base, count, logTime, headers];

export const logReads = (db: DatabaseSync): LogReads => {
  const partitions = db.prepare(`${PARTITIONS} ORDER BY topic, partition`);
  const partitionsOf = db.prepare(`${PARTITIONS} WHERE topic = ? ORDER BY partition`);
  const holding = db.prepare(
    'SELECT base, count, log_time, data, headers, checksum FROM log_batch WHERE partition_id = ? AND base <= ? ORDER BY base DESC LIMIT 1',
  );
  const after = db.prepare(
    'SELECT base, count, log_time, data, headers, checksum FROM log_batch WHERE partition_id = ? AND base > ? ORDER BY base LIMIT 1',
  );
  const past = db.prepare(
    'SELECT base FROM log_batch WHERE partition_id = ? AND log_time > ? ORDER BY log_time, base LIMIT 1',
  );
  const positions = db.prepare(
    'SELECT partition, next, checksum FROM log_position WHERE consumer = ? AND topic = ? ORDER BY partition',
  );
  const producer = db.prepare(
    'SELECT next, checksum FROM log_producer WHERE producer = ? AND topic = ?',
  );
  const newest = db.prepare(NEWEST_LOG_TIME);
  const oldest = db.prepare(
    'SELECT log_time FROM log_batch WHERE partition_id = ? ORDER BY base LIMIT 1',
  );
  const sizes = db.prepare(
    'SELECT base + count AS next, length(data) AS bytes FROM log_batch WHERE partition_id = ? ORDER BY base LIMIT ?',
  );
  const before = db.prepare(
    'SELECT log_time FROM log_batch WHERE partition_id = ? AND base < ? ORDER BY base DESC LIMIT 1',
  );
  const ranges = db.prepare(
    'SELECT base, count FROM log_batch WHERE partition_id = ? ORDER BY base',
  );
  const keys = db.prepare(
    'SELECT DISTINCT topic, consumer, NULL AS producer FROM log_position UNION ALL SELECT topic, NULL, producer FROM log_producer',
  );
  const checkedBatch = (at: PartitionRow, row: BatchColumns): StoredBatch => {
    const { topic, partition } = at;
    const { base, count, log_time: logTime, data, headers, checksum } = row;
    const columns = checkedColumns(at, base, logTime, { count, headers });
    assertUndamaged(batchName(at, base, base + count), checksum, columns, data);
    return { topic, partition, base, count, logTime, data, headers };
  };

  return {
    partitions: () => partitions.all() as unknown as PartitionRow[],
    partitionsOf: (topic) => partitionsOf.all(topic) as unknown as PartitionRow[],
    batch(at, offset) {
      const { id, begin, end } = at;
      let row = holding.get(id, offset) as BatchColumns | undefined;
      if (row === undefined || row.base + row.count <= offset) {
        row = after.get(id, offset) as BatchColumns | undefined;
        if (offset >= begin && offset < end)
          damaged(batchName(at, offset, row?.base ?? end), 'it is missing');
      }
      return row === undefined ? null : checkedBatch(at, row);
    },
    exactBatch(at, base) {
      const row = holding.get(at.id, base) as BatchColumns | undefined;
      if (row === undefined || row.base !== base)
        return damaged(batchName(at, base, base + 1), 'it is missing');
      return checkedBatch(at, row);
    },
    ranges: ({ id }) => ranges.all(id) as unknown as BatchRange[],
    keys: () => keys.all() as unknown as PositionKey[],
    offsetAt({ id, begin, end }, time) {
      const row = past.get(id, time) as { base: number } | undefined;
      return Math.max(begin, row?.base ?? end);
    },
    positions: (consumer, topic) =>
      (positions.all(consumer, topic) as (NextColumns & { partition: number })[]).map(
        ({ partition, next, checksum }) => {
          const what = `the position of ${consumer} in ${topic}, partition ${partition},`;
          assertUndamaged(what, checksum, [consumer, topic, partition, next]);
          return { partition, next };
        },
      ),
    producer(id, topic) {
      const row = producer.get(id, topic) as NextColumns | undefined;
      if (row === undefined) return 0;
      const what = `the sequence of the producer ${id} in ${topic}`;
      assertUndamaged(what, row.checksum, [id, topic, row.next]);
      return row.next;
    },
    newestLogTime: () => (newest.get() as { log_time: number }).log_time,
    oldestLogTime: ({ id }) =>
      (oldest.get(id) as { log_time: number } | undefined)?.log_time ?? null,
    offsetAfter({ id, end }, bytes) {
      const batches = sizes.all(id, MOST_BATCHES) as { next: number; bytes: number }[];
      let sum = 0;
      const last = batches.find((batch) => (sum += batch.bytes) >= bytes) ?? batches.at(-1);
      return last?.next ?? end;
    },
    logTimeBefore: ({ id, trimmedTime }, offset) =>
      (before.get(id, offset) as { log_time: number } | undefined)?.log_time ?? trimmedTime,
  };
};

export interface LogWrites {
  addPartition(topic: string, partition: number): number;
  batch(
    partition: Pick<PartitionRow, 'id' | 'topic' | 'partition'>,
    base: number,
    logTime: number,
    batch: EncodedBatch,
  ): void;
  /** Gives a batch other content: as many records, in the same row, so the newest stays so. */
  replace(partition: BatchPlace & { readonly id: number }, batch: StoredBatch): void;
  position(position: ConsumerPosition): void;
  producer(producer: string, topic: string, next: number): void;
  trim(partitionId: number, beforeOffset: number, trimmedTime: number): void;
  readonly past: PastWrites;
}

export const logWrites = (db: DatabaseSync): LogWrites => {
  const past = pastWrites(db);
  const addPartition = db.prepare('INSERT INTO log_partition (topic, partition) VALUES (?, ?)');
  const batch = db.prepare(
    'INSERT INTO log_batch (partition_id, base, count, log_time, data, headers, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const replace = db.prepare(
    'UPDATE log_batch SET data = ?, headers = ?, checksum = ? WHERE partition_id = ? AND base = ?',
  );
  const position = db.prepare(
    'INSERT INTO log_position (consumer, topic, partition, next, checksum) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET next = excluded.next, checksum = excluded.checksum',
  );
  const producer = db.prepare(
    'INSERT INTO log_producer (producer, topic, next, checksum) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET next = excluded.next, checksum = excluded.checksum',
  );
  const begin = db.prepare('UPDATE log_partition SET begin = ?, trimmed_time = ? WHERE id = ?');
  const forget = db.prepare(
    'DELETE FROM log_batch WHERE partition_id = ? AND base + count <= ? AND base < ?',
  );

  return {
    addPartition: (topic, partition) => Number(addPartition.run(topic, partition).lastInsertRowid),
    batch(at, base, logTime, encoded) {
      const { count, data, headers } = encoded;
      const checksum = rowChecksum(checkedColumns(at, base, logTime, encoded), data);
      batch.run(at.id, base, count, logTime, data, headers, checksum);
    },
    replace(at, { base, logTime, data, ...batch }) {
      const checksum = rowChecksum(checkedColumns(at, base, logTime, batch), data);
      replace.run(data, batch.headers, checksum, at.id, base);
    },
    position({ consumer, topic, partition, offset }) {
      const checksum = rowChecksum([consumer, topic, partition, offset]);
      position.run(consumer, topic, partition, offset, checksum);
    },
    producer(id, topic, next) {
      producer.run(id, topic, next, rowChecksum([id, topic, next]));
    },
    trim(partitionId, beforeOffset, trimmedTime) {
      begin.run(beforeOffset, trimmedTime, partitionId);
      forget.run(partitionId, beforeOffset, beforeOffset);
      past.forget(trimmedTime);
    },
    past,
  };
};
