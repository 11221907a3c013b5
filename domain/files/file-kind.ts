/** What a file is, by its name and by its first bytes. */

export type TableFormat = 'csv' | 'parquet';
export type EventFormat = TableFormat | 'ndjson';

const FORMATS: Readonly<Record<string, EventFormat>> = {
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  json: 'ndjson',
  csv: 'csv',
  tsv: 'csv',
  parquet: 'parquet',
};

const extensionOf = (path: string): string =>
  /\.([a-z]+)$/i.exec(path.replace(/\.gz$/i, ''))?.[1]?.toLowerCase() ?? '';

/** By the name, with or without `.gz`; null: the name tells no format. */
export const formatOfName = (path: string): EventFormat | null =>
  FORMATS[extensionOf(path)] ?? null;

const ARROW = new Set(['arrow', 'arrows', 'feather', 'ipc']);

/** Whether the name tells Arrow IPC, the format for files or for streams. */
export const isArrowName = (path: string): boolean => ARROW.has(extensionOf(path));

/** The delimiter that a name tells; undefined: the header tells it. */
export const delimiterOfName = (path: string): string | undefined =>
  extensionOf(path) === 'tsv' ? '\t' : undefined;

/** Enough for `kindOfBytes`. */
export const HEAD_BYTES = 4;

const KINDS: readonly (readonly [bytes: readonly number[], kind: BytesKind])[] = [
  [[0x1f, 0x8b], 'gzip'],
  [[0x50, 0x41, 0x52, 0x31], 'parquet'],
  [[0x50, 0x4b, 0x03, 0x04], 'zip'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'zstd'],
  [[0xff, 0xfe], 'utf-16'],
  [[0xfe, 0xff], 'utf-16'],
];

export type BytesKind = 'gzip' | 'parquet' | 'zip' | 'zstd' | 'utf-16';

/** By the first bytes; null: nothing that is known, so perhaps text. */
export const kindOfBytes = (head: Uint8Array): BytesKind | null =>
  KINDS.find(([bytes]) => bytes.every((byte, i) => head[i] === byte))?.[1] ?? null;

/** Why bytes of such a kind are no text, and what to do. It follows the file's name. */
export const WHY_NO_TEXT: Readonly<Record<Exclude<BytesKind, 'gzip'>, string>> = {
  parquet: 'is a Parquet file: name it .parquet, or give --format parquet',
  zip: 'is a ZIP or Excel file: save the sheet as CSV (UTF-8)',
  zstd: 'is compressed with Zstandard: decompress it, or compress it with gzip',
  'utf-16': 'is in UTF-16: write it in UTF-8',
};
