/**
 * Files of the warehouse: Iceberg tables, the bookkeeping of Flink's jobs, their checkpoints and
 * savepoints. Whatever has a place in the warehouse is read and written through this port. Files
 * that a user names (a spine, an output file) are not part of it.
 *
 * Promises (tests/contracts/file-io.contract.ts has a test for each):
 * - A location is a URI: `file:///data/history`, `s3://bucket/history`. Each segment of its path is
 *   percent-encoded as RFC 3986 says, with no more characters encoded than it demands, so that one
 *   file has one URI and URIs may be compared as text. `joinUri` builds them.
 * - `write` and `create` leave a whole file or none, whatever is killed when. A file that is
 *   replaced has its old content or its new content, never a mixture.
 * - When `write` or `create` resolves, the content and the name are durable: they survive a crash
 *   of the machine. Directories are made as needed, durably too. Only `write` with `name: 'later'`
 *   promises less.
 * - `create` is atomic: of several that race for one name, exactly one returns true, and the file
 *   has that one's content.
 * - A file whose `write` or `create` has resolved is seen by every later read, `stat` and `list`; a
 *   file whose deletion has resolved is not. A crash of the machine may bring a deleted file back.
 * - `list` names each file once, in the order of the URIs as text. A file that appears or goes
 *   during the listing may be in it or not; all others are.
 * - Errors are MillraceErrors: MR_DISK_FULL where the storage is full, and nothing of the file is
 *   left; MR_STORAGE_FAILED for every other failure. An absent file is an answer, not an error.
 */

export interface FileInfo {
  readonly bytes: number;
  /** epoch ms */
  readonly modifiedAt: number;
}

export interface WriteOptions {
  /**
   * `later`: the content is durable when the write resolves, the name only when a later write or
   * create in the same directory has resolved. For the first of several files that count together.
   * Default `durable`.
   */
  readonly name?: 'durable' | 'later';
}

export interface FileIO {
  /** URIs of the files below a directory, at any depth. Empty where there is no such directory. */
  readonly list: (directory: string) => Promise<readonly string[]>;
  /** null where there is no such file; a directory is none */
  readonly stat: (uri: string) => Promise<FileInfo | null>;
  /** The whole content; null where there is no such file. */
  readonly read: (uri: string) => Promise<Uint8Array | null>;
  /**
   * The bytes from `start` on, at most `length`: fewer where the file ends before, none where it
   * ends at `start` or earlier. null where there is no such file.
   * @throws RangeError where `start` or `length` is negative or no safe integer
   */
  readonly readRange: (uri: string, start: number, length: number) => Promise<Uint8Array | null>;
  /** Makes the file, or replaces it. */
  readonly write: (
    uri: string,
    content: Uint8Array | string,
    options?: WriteOptions,
  ) => Promise<void>;
  /** Makes the file unless there is one. @returns whether it was made */
  readonly create: (uri: string, content: Uint8Array | string) => Promise<boolean>;
  /** Resolves also where there is no such file. */
  readonly delete: (uri: string) => Promise<void>;
  /** Deletes every file below a directory, and the directory. Resolves also where it is absent. */
  readonly deleteDirectory: (directory: string) => Promise<void>;
  /**
   * Deletes what killed writes have left below a directory. `list` does not show it. Only its owner
   * may call this, while nothing writes there.
   * @returns how many files were deleted
   */
  readonly deleteUnfinished: (directory: string) => Promise<number>;
  readonly engine: EngineFiles;
}

/**
 * How an engine that does its own I/O (DuckDB reads and writes Parquet itself) reaches the files.
 *
 * On a local disk the engine works on the files themselves. An object store has two ways to read:
 * return the URIs, where the engine has an extension for that store (DuckDB's httpfs), or download
 * the files into a cache and return the copies' paths. To write, it stages into a scratch directory
 * on the local disk, and publishing uploads the files and deletes the copies.
 */
export interface EngineFiles {
  /** What the engine opens to read these files, in their order. */
  readonly readable: (uris: readonly string[]) => Promise<readonly string[]>;
  /**
   * A path on the local disk below which the engine writes new files that are to be below
   * `directory`. Names must be unique: staging may be the directory itself, so `list` may show
   * files that are not published, and a killed engine may leave half of one. Nothing may refer to a
   * file before it is published.
   */
  readonly stage: (directory: string) => Promise<string>;
  /**
   * Makes staged files durable at `directory` joined with their path below the staging directory.
   * @param paths as the engine names them: absolute, below what `stage` returned for `directory`
   */
  readonly publish: (directory: string, paths: readonly string[]) => Promise<void>;
}

/** A directory, with the file system that it is in. */
export interface Directory {
  readonly files: FileIO;
  readonly uri: string;
}

/** What RFC 3986 allows in a segment and `encodeURIComponent` encodes: = : @ + , ; & $ */
const ALLOWED = /%(3D|3A|40|2B|2C|3B|26|24)/g;

const encodeSegment = (name: string): string =>
  encodeURIComponent(name).replace(ALLOWED, decodeURIComponent);

/** Scheme and authority; the rest without slashes at its end. */
const DIRECTORY = /^([a-z][a-z0-9+.-]*:\/\/)?(.*?)\/*$/s;

/** @param names plain text, not percent-encoded: one segment each */
export const joinUri = (directory: string, ...names: readonly string[]): string =>
  [directory.replace(DIRECTORY, '$1$2'), ...names.map(encodeSegment)].join('/');

export const subdirectory = (
  { files, uri }: Directory,
  ...names: readonly string[]
): Directory => ({ files, uri: joinUri(uri, ...names) });

/** The last segment of a URI, as plain text. */
export const nameOf = (uri: string): string =>
  decodeURIComponent(uri.slice(uri.lastIndexOf('/') + 1));
