/**
 * The embedded log as the history's worker reads it: a connection of its own to the same file,
 * which never blocks the writer.
 */
import { MillraceError } from '#domain/errors.ts';
import type { HistoryInput, HistoryInputModule } from '#infra/iceberg/input.ts';
import { openForReading } from '#infra/sqlite/database.ts';
import { sqliteLogReader } from '#infra/sqlite/log-reader.ts';

export interface SqliteInputOptions {
  /** the database file: <data>/millrace.db */
  readonly path: string;
}

export const openHistoryInput = ({ path }: SqliteInputOptions): HistoryInput => {
  const db = openForReading(path);
  const byId = db.prepare('SELECT text FROM schema_text WHERE id = ?');
  return {
    log: sqliteLogReader(db),
    async schema(id) {
      const found = byId.get(id) as { text: string } | undefined;
      if (found === undefined)
        throw new MillraceError('MR_STORAGE_FAILED', `The schema registry has no schema ${id}.`, {
          id,
        });
      return JSON.parse(found.text) as object;
    },
    close: () => db.close(),
  };
};

/** For `openIcebergHistory`; the log and the schema registry must have been opened once before. */
export const sqliteInput = (path: string): HistoryInputModule => ({
  module: import.meta.url,
  options: { path } satisfies SqliteInputOptions,
});
