/**
 * `millrace erase verify`: looks for an entity in everything that a data directory has, by records
 * and by bytes, and changes nothing. A server may run on it.
 *
 * | what | how it is searched |
 * |---|---|
 * | log, rejected events | each record is decoded, and its fields compared |
 * | history, data sets | every Parquet file that is there, referenced or not: all values as text |
 * | every file, of backups too | its bytes; the database's free pages are among them |
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Trace } from '#domain/erasure/certificate.ts';
import type { EntityTexts, ErasureScope } from '#domain/erasure/scope.ts';
import { messageOf } from '#domain/error-message.ts';
import { fail } from '#domain/errors.ts';
import { countInParquet } from '#infra/iceberg/erase-rows.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { openForReading } from '#infra/sqlite/database.ts';
import { findRecords } from '#infra/sqlite/erase-log.ts';
import { hasBytes, parquetHasText } from './erase-data-sets.ts';
import { type EntityIn, entityIn } from './erase-scope.ts';

export interface VerifyErasureOptions {
  readonly dataDirectory: string;
  readonly entity: EntityTexts;
  readonly backups?: readonly string[];
  readonly onProgress?: (what: string) => void;
}

export interface ErasureVerification {
  readonly files: number;
  readonly bytes: number;
  /** false: the key is too short, so that its bytes occur by chance; only values were compared */
  readonly bytesSearched: boolean;
  readonly traces: readonly Trace[];
}

/** Shorter texts occur in any file. */
const LEAST_BYTES = 5;

/** What is searched as bytes: of a compound key all of it, because its parts are others' too. */
const needlesOf = ({ keys, keyNames, texts }: ErasureScope): readonly string[] =>
  (keyNames.length === 1 ? texts : keys).filter((text) => Buffer.byteLength(text) >= LEAST_BYTES);

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

const filesBelow = (directory: string): readonly string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

const isParquet = async (path: string): Promise<boolean> => {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 4 && buffer.toString('latin1') === 'PAR1';
  } finally {
    await handle.close();
  }
};

const inFile = async (
  connection: DuckDBConnection,
  path: string,
  scope: ErasureScope,
  needles: readonly string[],
): Promise<readonly string[]> => {
  const found: string[] = [];
  const bytes = needles.map((text) => Buffer.from(text));
  if (bytes.length > 0 && (await hasBytes(path, bytes))) found.push('its bytes');
  if (!(await isParquet(path))) return found;
  const matches = [...scope.matches.values()].flat();
  try {
    if (needles.length > 0 && (await parquetHasText(connection, path, needles)))
      found.push('a value with its text');
    const rows = await countInParquet(connection, path, matches);
    if (rows > 0) found.push(rows === 1 ? 'one row' : `${rows} rows`);
  } catch (error) {
    found.push(`not known: it cannot be read as Parquet: ${messageOf(error)}`);
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
    let files = 0;
    let bytes = 0;
    for (const directory of [dataDirectory, ...backups])
      for (const file of filesBelow(directory)) {
        // POSIX releases the lock of a process that opens and closes this file; it has no data.
        if (directory === dataDirectory && relative(directory, file).startsWith('lock.')) continue;
        onProgress(file);
        const { size } = statSync(file, { throwIfNoEntry: false }) ?? {};
        const found =
          size === undefined
            ? []
            : await inFile(connection, file, entity.scope, needles).catch((error: unknown) => {
                if (existsSync(file)) throw error;
                return [];
              });
        // A server that runs removes files, such as small ones that it has merged.
        if (size === undefined || !existsSync(file)) continue;
        files++;
        bytes += size;
        for (const what of found) traces.push({ where: file, what });
      }
    return { files, bytes, bytesSearched: needles.length > 0, traces };
  } finally {
    connection.closeSync();
    duckDb.close();
    db.close();
  }
};
