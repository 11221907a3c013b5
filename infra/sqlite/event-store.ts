/**
 * The registry's event store in the embedded database: one row a commit, keyed by position. Rows
 * have checksums, and positions have no gaps: both are checked when commits are read.
 */
import type { DatabaseSync } from 'node:sqlite';
import {
  assertUnchanged,
  type Commit,
  type EventStore,
  type NewCommit,
  type StoredEvent,
} from '#domain/ports/event-store.ts';
import { addColumn, assertUndamaged, damaged, rowChecksum } from '#infra/sqlite/checksums.ts';
import type { Database } from '#infra/sqlite/database.ts';

const TABLES = `
  CREATE TABLE IF NOT EXISTS registry_commit (
    position INTEGER PRIMARY KEY, stream TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS registry_commit_stream ON registry_commit (stream, position);
`;

type CommitRow = { position: number; stream: string; version: number; body: string };
export type CommitColumns = CommitRow & { checksum: number | null };

const columnsOf = ({
  position,
  stream,
  version,
  body,
}: CommitRow): readonly (string | number)[] => [position, stream, version, body];

/** @throws MR_DATA_DAMAGED */
export const toCommit = (row: CommitColumns): Commit => {
  const { position, stream, version, body, checksum } = row;
  assertUndamaged(`the registry's commit at position ${position}`, checksum, columnsOf(row));
  const { command, events, refusal } = JSON.parse(body) as Omit<NewCommit, 'stream'>;
  return { stream, command, events, refusal, position, version };
};

/** Every commit, and what is wrong with it. */
export const checkedCommits = function* (
  db: DatabaseSync,
): Generator<{ readonly position: number; readonly error: unknown }> {
  const rows = db.prepare(
    'SELECT position, stream, version, body, checksum FROM registry_commit ORDER BY position',
  );
  let next = 1;
  for (const row of rows.all() as unknown as CommitColumns[]) {
    for (; next < row.position; next++) yield { position: next, error: new Error('it is missing') };
    next = row.position + 1;
    let error: unknown = null;
    try {
      toCommit(row);
    } catch (found) {
      error = found;
    }
    yield { position: row.position, error };
  }
};

export const sqliteEventStore = (database: Database): EventStore => {
  const { db } = database;
  db.exec(TABLES);
  addColumn(db, 'registry_commit', 'checksum', 'INTEGER');
  const versionOf = db.prepare(
    'SELECT version FROM registry_commit WHERE stream = ? ORDER BY position DESC LIMIT 1',
  );
  const newest = db.prepare('SELECT coalesce(max(position), 0) AS head FROM registry_commit');
  const insert = db.prepare(
    'INSERT INTO registry_commit (position, stream, version, body, checksum) VALUES (?, ?, ?, ?, ?)',
  );
  const stream = db.prepare(
    'SELECT position, stream, version, body, checksum FROM registry_commit WHERE stream = ? ORDER BY position',
  );
  const after = db.prepare(
    'SELECT position, stream, version, body, checksum FROM registry_commit WHERE position > ? ORDER BY position LIMIT ?',
  );
  const listeners = new Set<() => void>();

  const currentVersion = (name: string): number =>
    (versionOf.get(name) as { version: number } | undefined)?.version ?? 0;
  const currentHead = (): number => (newest.get() as { head: number }).head;

  return {
    async append(commit, expectedVersion, options) {
      const stored = database.transaction(() => {
        const current = currentVersion(commit.stream);
        const head = currentHead();
        assertUnchanged(commit.stream, { version: current, head }, expectedVersion, options);
        const { command, events, refusal } = commit;
        const body = JSON.stringify({ command, events, refusal });
        const row = {
          position: head + 1,
          stream: commit.stream,
          version: current + events.length,
          body,
        };
        const checksum = rowChecksum(columnsOf(row));
        insert.run(row.position, row.stream, row.version, row.body, checksum);
        return toCommit({ ...row, checksum });
      });
      for (const listener of [...listeners]) listener();
      return stored;
    },
    async readStream(name) {
      const events: StoredEvent[] = [];
      for (const row of stream.all(name) as unknown as CommitColumns[])
        events.push(...toCommit(row).events);
      return { version: events.length, events };
    },
    async readAll(position, limit) {
      const rows = after.all(position, limit) as unknown as CommitColumns[];
      return rows.map((row, i) => {
        if (row.position !== position + i + 1)
          damaged(`the registry's commit at position ${position + i + 1}`, 'it is missing');
        return toCommit(row);
      });
    },
    head: async () => currentHead(),
    onCommit(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => listeners.clear(),
  };
};
