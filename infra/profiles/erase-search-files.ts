/** Searches files for an entity: by bytes, and the values of what is compressed. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Trace } from '#domain/erasure/certificate.ts';
import type { ErasureScope } from '#domain/erasure/scope.ts';
import { messageOf } from '#domain/error-message.ts';
import { countInParquet } from '#infra/iceberg/erase-rows.ts';
import { decodeBatches } from '#infra/kafka/copy/copied-batch.ts';
import { containerBlocks } from '#infra/shared/avro/container-blocks.ts';
import { hasBytes, parquetHasText } from './erase-data-sets.ts';

const filesBelow = (directory: string): readonly string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

type Format = 'parquet' | 'avro' | 'gzip' | 'other';

const MAGIC: readonly (readonly [Format, Buffer])[] = [
  ['parquet', Buffer.from('PAR1')],
  ['avro', Buffer.from('Obj\x01')],
  ['gzip', Buffer.from([0x1f, 0x8b])],
];

const formatOf = async (path: string): Promise<Format> => {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    const head = buffer.subarray(0, bytesRead);
    return MAGIC.find(([, magic]) => head.indexOf(magic) === 0)?.[0] ?? 'other';
  } finally {
    await handle.close();
  }
};

/** Copies of the log in a backup of the stack; all else that is compressed as it is. */
const unzipped = async (path: string): Promise<readonly Buffer[]> => {
  const stored = await readFile(path);
  const plain = gunzipSync(stored);
  try {
    const batches = await decodeBatches(stored);
    return batches.flatMap(({ records }) =>
      records.flatMap(({ key, value }) => [key, value].filter((one) => one !== null)),
    );
  } catch {
    return [plain];
  }
};

interface Searched {
  readonly connection: DuckDBConnection;
  readonly scope: ErasureScope;
  /** searched as bytes; empty: the key is too short */
  readonly needles: readonly string[];
}

const inParquet = async (
  path: string,
  { connection, scope, needles }: Searched,
): Promise<readonly string[]> => {
  const found: string[] = [];
  const matches = [...scope.matches.values()].flat();
  if (needles.length > 0 && (await parquetHasText(connection, path, needles)))
    found.push('a value with its text');
  const rows = await countInParquet(connection, path, matches);
  if (rows > 0) found.push(rows === 1 ? 'one row' : `${rows} rows`);
  return found;
};

const inFile = async (path: string, searched: Searched): Promise<readonly string[]> => {
  const found: string[] = [];
  const needles = searched.needles.map((text) => Buffer.from(text));
  if (needles.length > 0 && (await hasBytes(path, needles))) found.push('its bytes');
  const format = await formatOf(path);
  const has = (pieces: readonly Buffer[]): readonly string[] =>
    pieces.some((piece) => needles.some((needle) => piece.includes(needle)))
      ? ['its bytes, compressed']
      : [];
  try {
    if (format === 'parquet') found.push(...(await inParquet(path, searched)));
    if (needles.length === 0) return found;
    if (format === 'avro') found.push(...has(containerBlocks(await readFile(path))));
    if (format === 'gzip') found.push(...has(await unzipped(path)));
  } catch (error) {
    found.push(`not known: it cannot be read as ${format}: ${messageOf(error)}`);
  }
  return found;
};

export interface SearchedFiles {
  readonly files: number;
  readonly bytes: number;
  readonly traces: readonly Trace[];
}

/** Servers may run, and remove files meanwhile, such as small ones that they have merged. */
export const searchFiles = async (
  directories: readonly string[],
  searched: Searched,
  {
    isSkipped = () => false,
    onProgress,
  }: {
    readonly isSkipped?: (path: string) => boolean;
    readonly onProgress: (path: string) => void;
  },
): Promise<SearchedFiles> => {
  const traces: Trace[] = [];
  let files = 0;
  let bytes = 0;
  for (const path of directories.flatMap(filesBelow).filter((one) => !isSkipped(one))) {
    onProgress(path);
    const { size } = statSync(path, { throwIfNoEntry: false }) ?? {};
    if (size === undefined) continue;
    const found = await inFile(path, searched).catch((error: unknown) => {
      if (existsSync(path)) throw error;
      return [];
    });
    if (!existsSync(path)) continue;
    files++;
    bytes += size;
    for (const what of found) traces.push({ where: path, what });
  }
  return { files, bytes, traces };
};
