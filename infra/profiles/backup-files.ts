/** The files of one backup: which are stored, and which an earlier backup has. */
import { existsSync, readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { MillraceError } from '#domain/errors.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import type { BackedUpFile, TopicPositions } from '#infra/backup/catalog.ts';
import { type Content, type ContentStore, piecesOf } from '#infra/backup/content-store.ts';
import { fileUri, pathOf } from '#infra/files/file-uri.ts';
import { tablesBelow } from '#infra/iceberg/belongs.ts';
import { newestTableFiles, type TableVersionFiles } from '#infra/iceberg/table-files.ts';
import { assertChecksum } from '#infra/shared/iceberg/checked-files.ts';

export interface BackupRun {
  /** the data directory, or the one that `prefix` stands for */
  readonly data: string;
  /** before the paths of files; default: none */
  readonly prefix?: string;
  readonly content: ContentStore;
  /** files of the newest backup, by path */
  readonly before: ReadonlyMap<string, BackedUpFile>;
  /** SHA-256 of what this backup has stored first → bytes */
  readonly added: Map<string, number>;
}

export interface TableCopy {
  readonly topic: string;
  /** next offset by partition */
  readonly endOffsets: readonly number[];
  readonly files: readonly BackedUpFile[];
}

/** How often a table's newer version is taken where its files are deleted during the copy. */
const ATTEMPTS = 20;
/** A change of one page stores this much again. A multiple of the pages' size. */
const PIECE_BYTES = 128 * 1024;

/** Files of the history whose names are never used twice. */
const UNCHANGING = /^history\/.*\.(parquet|avro)$/;
/** Files that are being written begin with a dot. */
const DATA_SET = /^[^.].*\.(parquet|csv)$/;

const noted = (
  { added }: BackupRun,
  { sha256, bytes, isNew }: Content & { readonly isNew: boolean },
): Content => {
  if (isNew) added.set(sha256, bytes);
  return { sha256, bytes };
};

export const putBytes = async (run: BackupRun, bytes: Uint8Array): Promise<Content> =>
  noted(run, await run.content.put(bytes));

const nameIn = ({ data, prefix = '' }: BackupRun, path: string): string =>
  prefix + relative(data, path);

/**
 * @returns null where the file is gone
 * @throws MR_DATA_DAMAGED
 */
const putFile = async (run: BackupRun, path: string): Promise<BackedUpFile | null> => {
  const name = nameIn(run, path);
  const known = run.before.get(name);
  if (known !== undefined && UNCHANGING.test(name) && (await run.content.has(known))) return known;
  const stored = await run.content.putFile(path);
  if (stored === null) return null;
  assertChecksum(fileUri(path), stored.crc);
  return { path: name, ...noted(run, stored) };
};

const putTable = async (
  run: BackupRun,
  topic: string,
  { endOffsets, hint, uris }: TableVersionFiles,
): Promise<TableCopy> => {
  const files: BackedUpFile[] = [];
  for (const uri of await uris()) {
    const file = await putFile(run, pathOf(uri));
    if (file === null)
      throw new MillraceError('MR_DATA_DAMAGED', `The file ${uri} of the history is missing.`, {
        uri,
      });
    files.push(file);
  }
  const path = nameIn(run, pathOf(hint.uri));
  files.push({ path, ...(await putBytes(run, Buffer.from(hint.text))) });
  return { topic, endOffsets, files };
};

/** null: there is no table */
const copyTable = async (
  run: BackupRun,
  root: Directory,
  topic: string,
): Promise<TableCopy | null> => {
  for (let attempt = 1; ; attempt++) {
    const table = await newestTableFiles(root, topic);
    if (table === null) return null;
    try {
      return await putTable(run, topic, table);
    } catch (error) {
      // Only a version that is no longer the newest may lack files.
      const newest = await newestTableFiles(root, topic);
      if (attempt >= ATTEMPTS || newest?.version === table.version) throw error;
    }
  }
};

/** How often all is copied again where the log was trimmed past the copy of the history. */
const MOMENTS = 5;

export interface CopiedMoment {
  readonly tables: readonly Pick<TableCopy, 'topic' | 'endOffsets'>[];
  /** what the log has: fixed after the tables were copied */
  readonly topics: readonly Pick<TopicPositions, 'topic' | 'begin'>[];
}

/** A topic whose log was trimmed past the end of the copy of its table; null: there is none. */
const trimmedPast = ({ tables, topics }: CopiedMoment): string | null => {
  const begins = new Map(topics.map(({ topic, begin }) => [topic, begin]));
  const found = tables.find(({ topic, endOffsets }) =>
    begins.get(topic)?.some((offset, partition) => offset > (endOffsets[partition] ?? 0)),
  );
  return found?.topic ?? null;
};

/**
 * Copies the history and then the log, until no record is in neither.
 * @param copy called with 1, 2, …
 */
export const copyWithoutGap = async <T extends CopiedMoment>(
  copy: (attempt: number) => Promise<T>,
): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    const copied = await copy(attempt);
    const topic = trimmedPast(copied);
    if (topic === null) return copied;
    if (attempt >= MOMENTS)
      throw new MillraceError(
        'MR_STORAGE_FAILED',
        `The log of ${topic} is trimmed faster than its history can be copied; try again.`,
        { topic },
      );
  }
};

/** @throws MR_DATA_DAMAGED */
export const putHistory = async (
  run: BackupRun,
  root: Directory,
): Promise<readonly TableCopy[]> => {
  const tables: TableCopy[] = [];
  for (const topic of await tablesBelow(root)) {
    const table = await copyTable(run, root, topic);
    if (table !== null) tables.push(table);
  }
  return tables;
};

export const putDatabase = async (run: BackupRun, path: string): Promise<readonly Content[]> => {
  const handle = await open(path, 'r');
  try {
    const pieces: Content[] = [];
    for await (const piece of piecesOf(handle, PIECE_BYTES))
      pieces.push(await putBytes(run, piece));
    return pieces;
  } finally {
    await handle.close();
  }
};

export const putDataSets = async (run: BackupRun): Promise<readonly BackedUpFile[]> => {
  const directory = join(run.data, 'datasets');
  const names = existsSync(directory) ? readdirSync(directory).sort() : [];
  const files: BackedUpFile[] = [];
  for (const name of names.filter((name) => DATA_SET.test(name))) {
    const file = await putFile(run, join(directory, name));
    if (file !== null) files.push(file);
  }
  return files;
};
