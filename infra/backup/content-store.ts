/**
 * The files of backups, named by their content, so that what two backups have in common is stored
 * once:
 *
 *     content/3f/3fa9…   SHA-256 of the content, in hexadecimal digits
 *     content/<id>.tmp   what a killed backup has left; deleted by the next one
 *
 * A file is written under a temporary name, synced, and renamed: a name has its whole content.
 */
import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { MillraceError } from '#domain/errors.ts';
import { isMissing, makeDirectory, syncPath } from '#infra/shared/files/durable-file.ts';

export interface Content {
  readonly sha256: string;
  readonly bytes: number;
}

export interface Stored extends Content {
  /** false: an earlier backup has the same content */
  readonly isNew: boolean;
  /** CRC-32 of the content */
  readonly crc: number;
}

export interface ContentStore {
  readonly put: (bytes: Uint8Array) => Promise<Stored>;
  /** @returns null where there is no such file */
  readonly putFile: (path: string) => Promise<Stored | null>;
  readonly has: (content: Content) => Promise<boolean>;
  /** @throws MR_DATA_DAMAGED */
  readonly read: (content: Content, what: string) => Promise<Uint8Array>;
  /**
   * Reads the content in pieces, and checks it at the end.
   * @throws MR_DATA_DAMAGED
   */
  readonly pieces: (content: Content, what: string) => AsyncGenerator<Uint8Array>;
  /** Makes the names of all that was put durable. */
  readonly sync: () => Promise<void>;
  readonly deleteUnfinished: () => Promise<void>;
  /**
   * Deletes all other content. @param before called before each file is deleted
   * @returns how many files were deleted, and their bytes
   */
  readonly keepOnly: (
    sha256: ReadonlySet<string>,
    before?: () => void,
  ) => Promise<{ readonly files: number; readonly bytes: number }>;
}

const PIECE_BYTES = 4 * 1024 * 1024;

/** The content of a file from its start, in pieces of this size; the last one may be shorter. */
export async function* piecesOf(handle: FileHandle, pieceBytes: number): AsyncGenerator<Buffer> {
  const { size } = await handle.stat();
  for (let at = 0; at < size; at += pieceBytes) {
    const piece = Buffer.allocUnsafe(Math.min(pieceBytes, size - at));
    let filled = 0;
    while (filled < piece.length) {
      const { bytesRead } = await handle.read(piece, filled, piece.length - filled, at + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    yield piece.subarray(0, filled);
    if (filled < piece.length) return;
  }
}

const damaged = (what: string, path: string, why: string): never => {
  throw new MillraceError(
    'MR_DATA_DAMAGED',
    `The backup's copy of ${what}, ${path}, is damaged: ${why}. Restore from another backup; \`millrace backup verify\` shows which are whole.`,
    { what, path },
  );
};

/** null: there is no such file */
const opened = (path: string): Promise<FileHandle | null> =>
  open(path, 'r').catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });

/** Empty where there is no such directory. */
const namesIn = (directory: string): Promise<readonly string[]> =>
  readdir(directory).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });

export const openContentStore = (directory: string): ContentStore => {
  const root = join(directory, 'content');
  const touched = new Set<string>();
  const pathOf = (sha256: string): string => join(root, sha256.slice(0, 2), sha256);

  const has = async ({ sha256, bytes }: Content): Promise<boolean> =>
    (await stat(pathOf(sha256)).catch(() => null))?.size === bytes;

  /** Gives the temporary file its name, or drops it where the content is there. */
  const settle = async (temporary: string, content: Content, crc: number): Promise<Stored> => {
    const stored = { ...content, crc };
    if (await has(content)) {
      await rm(temporary, { force: true });
      return { ...stored, isNew: false };
    }
    const path = pathOf(content.sha256);
    await mkdir(dirname(path), { recursive: true });
    await rename(temporary, path);
    touched.add(dirname(path));
    return { ...stored, isNew: true };
  };

  const putPieces = async (pieces: AsyncIterable<Uint8Array>): Promise<Stored> => {
    await makeDirectory(root);
    const temporary = join(root, `${randomUUID()}.tmp`);
    const hash = createHash('sha256');
    let [bytes, crc] = [0, 0];
    const handle = await open(temporary, 'wx', 0o600);
    try {
      for await (const piece of pieces) {
        hash.update(piece);
        crc = crc32(piece, crc);
        bytes += piece.length;
        await handle.writeFile(piece);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    return settle(temporary, { sha256: hash.digest('hex'), bytes }, crc);
  };

  async function* pieces(content: Content, what: string): AsyncGenerator<Uint8Array> {
    const path = pathOf(content.sha256);
    const handle = (await opened(path)) ?? damaged(what, path, 'it is missing');
    try {
      const hash = createHash('sha256');
      let bytes = 0;
      for await (const piece of piecesOf(handle, PIECE_BYTES)) {
        hash.update(piece);
        bytes += piece.length;
        yield piece;
      }
      if (bytes !== content.bytes)
        damaged(what, path, `it has ${bytes} bytes, not ${content.bytes}`);
      if (hash.digest('hex') !== content.sha256)
        damaged(what, path, 'its content does not fit its name');
    } finally {
      await handle.close();
    }
  }

  return {
    async put(bytes) {
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const content = { sha256, bytes: bytes.length };
      if (await has(content)) return { ...content, isNew: false, crc: crc32(bytes) };
      return putPieces(
        (async function* () {
          yield bytes;
        })(),
      );
    },
    async putFile(path) {
      const handle = await opened(path);
      if (handle === null) return null;
      try {
        return await putPieces(piecesOf(handle, PIECE_BYTES));
      } finally {
        await handle.close();
      }
    },
    has,
    async read(content, what) {
      const all: Uint8Array[] = [];
      for await (const piece of pieces(content, what)) all.push(piece);
      return Buffer.concat(all);
    },
    pieces,
    async sync() {
      for (const path of touched) await syncPath(path);
      if (touched.size > 0) await syncPath(root);
      touched.clear();
    },
    async keepOnly(named, before = () => {}) {
      let [files, bytes] = [0, 0];
      for (const group of await namesIn(root)) {
        if (!/^[0-9a-f]{2}$/.test(group)) continue;
        for (const name of await namesIn(join(root, group))) {
          if (named.has(name)) continue;
          before();
          const path = join(root, group, name);
          bytes += (await stat(path)).size;
          files++;
          await rm(path);
        }
      }
      return { files, bytes };
    },
    async deleteUnfinished() {
      for (const name of await namesIn(root))
        if (name.endsWith('.tmp')) await rm(join(root, name), { force: true });
    },
  };
};
