/**
 * Checksums of rows (CRC-32). SQLite's pages have none, so a bit that the disk flips would be read
 * as another value. A row without one was written before there were checksums: it cannot be
 * checked, and `millrace verify` counts it.
 */
import type { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { MillraceError } from '#domain/errors.ts';

type Column = string | number | null;

export const rowChecksum = (columns: readonly Column[], data?: Uint8Array): number => {
  const ofColumns = crc32(JSON.stringify(columns));
  return data === undefined ? ofColumns : crc32(data, ofColumns);
};

/**
 * @param what the row for a reader: `the log's records 10 to 19 of raw.flights, partition 0`
 * @throws MR_DATA_DAMAGED
 */
export const assertUndamaged = (
  what: string,
  stored: number | null,
  columns: readonly Column[],
  data?: Uint8Array,
): void => {
  if (stored !== null && stored !== rowChecksum(columns, data)) damaged(what);
};

/** @throws MR_DATA_DAMAGED, always */
export const damaged = (what: string, why = 'its checksum does not fit its content'): never => {
  throw new MillraceError('MR_DATA_DAMAGED', `${what} is damaged: ${why}.`, { what });
};

/** Adds a column to tables that an earlier release made without it. */
export const addColumn = (db: DatabaseSync, table: string, column: string, type: string): void => {
  const columns = db.prepare('SELECT name FROM pragma_table_info(?)').all(table) as {
    name: string;
  }[];
  if (!columns.some(({ name }) => name === column))
    db.exec(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`);
};
