/**
 * The log and the schemas of its records over a connection of their own, for another thread: it
 * only reads, and never blocks the writer.
 */
import { MillraceError } from '#domain/errors.ts';
import { openForReading } from '#infra/sqlite/database.ts';
import { type LogReader, sqliteLogReader } from '#infra/sqlite/log-reader.ts';
import { checkedSchema, SCHEMA_BY_ID } from '#infra/sqlite/schema-registry.ts';

export interface ReadingConnection {
  readonly log: LogReader;
  readonly schema: (id: number) => Promise<object>;
  readonly close: () => void;
}

/** @param path the database file; the log and the schema registry must have been opened before */
export const openReadingConnection = (path: string): ReadingConnection => {
  const db = openForReading(path);
  const byId = db.prepare(SCHEMA_BY_ID);
  return {
    log: sqliteLogReader(db),
    async schema(id) {
      const found = byId.get(id) as Parameters<typeof checkedSchema>[1] | undefined;
      if (found === undefined)
        throw new MillraceError('MR_STORAGE_FAILED', `The schema registry has no schema ${id}.`, {
          id,
        });
      return checkedSchema(id, found);
    },
    close: () => db.close(),
  };
};
