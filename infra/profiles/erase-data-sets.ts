/** Files of data sets that have an entity: Parquet is decoded, all else searched by its bytes. */
import { type Dirent, existsSync, readdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { ErasureScope } from '#domain/erasure/scope.ts';
import { identifier, literal } from '#domain/sql/duckdb/names.ts';
import { parquetByName } from '#domain/sql/duckdb/parquet-files.ts';

const PIECE_BYTES = 4 * 1024 * 1024;

/** Whether a file has these bytes anywhere. */
export const hasBytes = async (path: string, needles: readonly Buffer[]): Promise<boolean> => {
  const overlap = Math.max(0, ...needles.map((needle) => needle.length - 1));
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(PIECE_BYTES + overlap);
    for (let kept = 0; ; ) {
      const { bytesRead } = await handle.read(buffer, kept, PIECE_BYTES);
      if (bytesRead === 0) return false;
      const filled = buffer.subarray(0, kept + bytesRead);
      if (needles.some((needle) => filled.includes(needle))) return true;
      const tail = filled.subarray(Math.max(0, filled.length - overlap));
      kept = tail.copy(buffer);
    }
  } finally {
    await handle.close();
  }
};

/** Whether some value in a Parquet file has one of the texts in it. */
export const parquetHasText = async (
  connection: DuckDBConnection,
  path: string,
  texts: readonly string[],
): Promise<boolean> => {
  const has = texts.map((text) => `contains(CAST(t AS VARCHAR), ${literal(text)})`).join(' OR ');
  const found = await connection.runAndReadAll(
    `SELECT 1 FROM ${parquetByName([path])} AS t WHERE ${has} LIMIT 1`,
  );
  return found.getRows().length > 0;
};

const parquetHasEntity = async (
  connection: DuckDBConnection,
  path: string,
  { keyNames, texts }: ErasureScope,
): Promise<boolean> => {
  const described = await connection.runAndReadAll(
    `DESCRIBE SELECT * FROM ${parquetByName([path])}`,
  );
  const names = described.getRows().map(([name]) => String(name));
  if (!keyNames.every((name) => names.includes(name)))
    return parquetHasText(connection, path, texts);
  const all = keyNames.map(
    (name) =>
      `CAST(${identifier(name)} AS VARCHAR) IN (${texts.map((text) => literal(text)).join(', ')})`,
  );
  const found = await connection.runAndReadAll(
    `SELECT 1 FROM ${parquetByName([path])} WHERE ${all.join(' AND ')} LIMIT 1`,
  );
  return found.getRows().length > 0;
};

const namesIn = (directory: string, isWanted: (entry: Dirent) => boolean): readonly string[] =>
  existsSync(directory)
    ? readdirSync(directory, { withFileTypes: true })
        .filter(isWanted)
        .map(({ name }) => name)
        .sort()
    : [];

/** Removes what killed processes were writing, and had spilled. No data set may be written. */
export const removePartialFiles = (directory: string): void => {
  const isLeft = ({ name }: Dirent): boolean =>
    (name.startsWith('.') && name.endsWith('.tmp')) || name.endsWith('.spill');
  for (const name of namesIn(directory, isLeft))
    rmSync(join(directory, name), { recursive: true, force: true });
};

/** The data sets' files in a directory that have the entity. */
export const dataSetsWith = async (
  connection: DuckDBConnection,
  directory: string,
  scope: ErasureScope,
): Promise<readonly string[]> => {
  const found: string[] = [];
  // What is spilled is in directories of their own.
  for (const name of namesIn(directory, (entry) => entry.isFile())) {
    const path = join(directory, name);
    const has = name.endsWith('.parquet')
      ? await parquetHasEntity(connection, path, scope)
      : await hasBytes(
          path,
          scope.texts.map((text) => Buffer.from(text)),
        );
    if (has) found.push(name);
  }
  return found;
};
