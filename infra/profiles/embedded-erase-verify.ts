/**
 * `millrace erase verify`: looks for an entity in everything that a data directory has, by records
 * and by bytes, and changes nothing. A server may run on it.
 *
 * | what | how it is searched |
 * |---|---|
 * | log, rejected events | each record is decoded, and its fields compared |
 * | history, data sets | every Parquet file that is there, referenced or not: all values as text |
 * | every file, of backups too | its bytes; the database's free pages are among them. What is gzip or an Avro file is decompressed |
 */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Trace } from '#domain/erasure/certificate.ts';
import type { EntityTexts } from '#domain/erasure/scope.ts';
import { fail } from '#domain/errors.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { openForReading } from '#infra/sqlite/database.ts';
import { findRecords } from '#infra/sqlite/erase-log.ts';
import { needlesOf } from './erase-remains.ts';
import { type EntityIn, entityIn } from './erase-scope.ts';
import { type SearchedFiles, searchFiles } from './erase-search-files.ts';

export interface VerifyErasureOptions {
  readonly dataDirectory: string;
  readonly entity: EntityTexts;
  readonly backups?: readonly string[];
  readonly onProgress?: (what: string) => void;
}

export interface ErasureVerification extends SearchedFiles {
  /** false: the key is too short, so that its bytes occur by chance; only values were compared */
  readonly bytesSearched: boolean;
}

const inRecords = (db: DatabaseSync, { testOf }: EntityIn): readonly Trace[] => {
  const counts = new Map<string, number>();
  for (const { record } of findRecords(db, testOf))
    counts.set(record.topic, (counts.get(record.topic) ?? 0) + 1);
  return [...counts].map(([topic, n]) => ({
    where: `the log of ${topic}`,
    what: n === 1 ? 'one record' : `${n} records`,
  }));
};

/** In which tables of the database the texts are, for an operator who has to find them. */
const inTables = (db: DatabaseSync, needles: readonly string[]): readonly Trace[] => {
  const tables = db
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .all() as { name: string }[];
  const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
  const found: Trace[] = [];
  for (const { name } of tables) {
    const columns = db.prepare('SELECT name FROM pragma_table_info(?)').all(name) as {
      name: string;
    }[];
    const has = columns.flatMap((column) =>
      needles.map(() => `instr(CAST(${quoted(column.name)} AS BLOB), ?) > 0`),
    );
    const bytes = columns.flatMap(() => needles.map((text) => Buffer.from(text)));
    if (has.length === 0) continue;
    const { n } = db
      .prepare(`SELECT count(*) AS n FROM ${quoted(name)} WHERE ${has.join(' OR ')}`)
      .get(...bytes) as { n: number };
    if (n > 0)
      found.push({ where: `the database's table ${name}`, what: `${n} rows have its bytes` });
  }
  return found;
};

/** @throws MR_ENTITY_INVALID, MR_NOT_FOUND */
export const verifyErasure = async ({
  dataDirectory,
  entity: texts,
  backups = [],
  onProgress = () => {},
}: VerifyErasureOptions): Promise<ErasureVerification> => {
  const path = join(dataDirectory, 'millrace.db');
  if (!existsSync(path)) fail('MR_NOT_FOUND', `${dataDirectory} is no data directory.`);
  for (const directory of backups)
    if (!existsSync(directory)) fail('MR_NOT_FOUND', `there is no directory ${directory}.`);
  const db = openForReading(path);
  const duckDb = await openDuckDb({ memoryLimit: '512MB' });
  const connection = await duckDb.connect();
  try {
    onProgress('records');
    const entity = entityIn(db, texts);
    const needles = needlesOf(entity.scope);
    const traces: Trace[] = [...inRecords(db, entity), ...inTables(db, needles)];
    const found = await searchFiles(
      [dataDirectory, ...backups],
      { connection, scope: entity.scope, needles },
      {
        // POSIX releases the lock of a process that opens and closes this file; it has no data.
        isSkipped: (file) => relative(dataDirectory, file).startsWith('lock.'),
        onProgress,
      },
    );
    return { ...found, bytesSearched: needles.length > 0, traces: [...traces, ...found.traces] };
  } finally {
    connection.closeSync();
    duckDb.close();
    db.close();
  }
};
