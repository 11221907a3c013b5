/**
 * What the consumers' positions and the producers' sequences were at earlier times, for a restore
 * that ends before the newest commit (cut-database.ts).
 *
 * A task that runs within the appends moves in every commit, always to the end of the partition. So
 * that this costs nothing, a row says from when on a position *follows* the end (`next` is null),
 * and the next row when it no longer did. The position at a time is that of its newest row until
 * then: its `next`, or the partition's end at that time.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { ConsumerPosition } from '#domain/ports/log.ts';
import { assertUndamaged, rowChecksum } from '#infra/sqlite/checksums.ts';

export interface PastPosition extends Omit<ConsumerPosition, 'offset'> {
  /** null: the partition's end, from here on */
  readonly next: number | null;
}

export interface PastSequence {
  readonly producer: string;
  readonly topic: string;
  readonly next: number;
}

const TABLES = `
  CREATE TABLE IF NOT EXISTS log_position_past (
    consumer TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, log_time INTEGER NOT NULL, next INTEGER,
    checksum INTEGER NOT NULL
  );
  CREATE TABLE IF NOT EXISTS log_producer_past (
    producer TEXT NOT NULL, topic TEXT NOT NULL, log_time INTEGER NOT NULL, next INTEGER NOT NULL,
    checksum INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS log_position_past_at ON log_position_past (log_time);
  CREATE INDEX IF NOT EXISTS log_producer_past_at ON log_producer_past (log_time);
  CREATE TABLE IF NOT EXISTS log_past_from (one INTEGER PRIMARY KEY CHECK (one = 1), log_time INTEGER NOT NULL);
`;

export interface PastWrites {
  readonly position: (position: PastPosition, logTime: number) => void;
  readonly sequence: (sequence: PastSequence, logTime: number) => void;
  /** Forgets what was before a log time that the past is known from already, or is to be. */
  readonly forget: (before: number) => void;
}

/** Of each position and producer, the newest row until the time still says what it was then. */
const FORGET = [
  `DELETE FROM log_position_past WHERE log_time < ?1 AND rowid NOT IN
   (SELECT max(rowid) FROM log_position_past WHERE log_time <= ?1 GROUP BY consumer, topic, partition)`,
  `DELETE FROM log_producer_past WHERE log_time < ?1 AND rowid NOT IN
   (SELECT max(rowid) FROM log_producer_past WHERE log_time <= ?1 GROUP BY producer, topic)`,
  'UPDATE log_past_from SET log_time = max(log_time, ?1)',
];

export const pastWrites = (db: DatabaseSync): PastWrites => {
  const addPosition = db.prepare(
    'INSERT INTO log_position_past (consumer, topic, partition, log_time, next, checksum) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const addSequence = db.prepare(
    'INSERT INTO log_producer_past (producer, topic, log_time, next, checksum) VALUES (?, ?, ?, ?, ?)',
  );
  const forget = FORGET.map((sql) => db.prepare(sql));
  return {
    forget(before) {
      for (const statement of forget) statement.run(before);
    },
    position({ consumer, topic, partition, next }, logTime) {
      const row = [consumer, topic, partition, logTime, next] as const;
      addPosition.run(...row, rowChecksum(row));
    },
    sequence({ producer, topic, next }, logTime) {
      const row = [producer, topic, logTime, next] as const;
      addSequence.run(...row, rowChecksum(row));
    },
  };
};

/**
 * Idempotent. A log of an earlier release has no past: its present positions are the first rows,
 * as of its newest commit.
 */
export const createPastTables = (db: DatabaseSync, newestLogTime: number): void => {
  db.exec(TABLES);
  if (db.prepare('SELECT 1 FROM log_past_from').get() !== undefined) return;
  const writes = pastWrites(db);
  db.exec('BEGIN IMMEDIATE');
  try {
    const positions = db.prepare('SELECT consumer, topic, partition, next FROM log_position').all();
    for (const row of positions as unknown as PastPosition[]) writes.position(row, newestLogTime);
    const sequences = db.prepare('SELECT producer, topic, next FROM log_producer').all();
    for (const row of sequences as unknown as PastSequence[]) writes.sequence(row, newestLogTime);
    db.prepare('INSERT INTO log_past_from (one, log_time) VALUES (1, ?)').run(newestLogTime);
    db.exec('COMMIT');
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
};

type PositionColumns = PastPosition & { log_time: number; checksum: number };
type SequenceColumns = PastSequence & { log_time: number; checksum: number };

/** The newest row of each position up to a time, in no particular order. */
export const positionsUntil = (db: DatabaseSync, time: number): readonly PastPosition[] => {
  const newest = new Map<string, PastPosition>();
  const rows = db
    .prepare(
      'SELECT consumer, topic, partition, log_time, next, checksum FROM log_position_past WHERE log_time <= ? ORDER BY rowid',
    )
    .iterate(time);
  for (const row of rows as Iterable<unknown> as Iterable<PositionColumns>) {
    const { consumer, topic, partition, log_time, next, checksum } = row;
    const what = `a past position of ${consumer} in ${topic}, partition ${partition},`;
    assertUndamaged(what, checksum, [consumer, topic, partition, log_time, next]);
    newest.set(JSON.stringify([consumer, topic, partition]), { consumer, topic, partition, next });
  }
  return [...newest.values()];
};

/** The newest row of each producer up to a time, in no particular order. */
export const sequencesUntil = (db: DatabaseSync, time: number): readonly PastSequence[] => {
  const newest = new Map<string, PastSequence>();
  const rows = db
    .prepare(
      'SELECT producer, topic, log_time, next, checksum FROM log_producer_past WHERE log_time <= ? ORDER BY rowid',
    )
    .iterate(time);
  for (const row of rows as Iterable<unknown> as Iterable<SequenceColumns>) {
    const { producer, topic, log_time, next, checksum } = row;
    assertUndamaged(`a past sequence of the producer ${producer} in ${topic}`, checksum, [
      producer,
      topic,
      log_time,
      next,
    ]);
    newest.set(JSON.stringify([producer, topic]), { producer, topic, next });
  }
  return [...newest.values()];
};

/** The log time since when the past is known. */
export const pastFrom = (db: DatabaseSync): number =>
  (db.prepare('SELECT log_time FROM log_past_from').get() as { log_time: number }).log_time;
