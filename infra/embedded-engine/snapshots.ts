/**
 * Saved states of generations: one file each, replaced atomically. A state only saves time: without
 * it the same tiles are rebuilt from features.<view>. It contains the offset of that topic up to
 * which it is complete.
 *
 *     bytes   0  "MRS2"
 *             4  CRC-32 of all that follows
 *             8  next offset, double
 *            16  bytes of the state, double
 *            24  id of the platform (a UUID, 16 bytes)
 *            40  the state
 *
 * A state that is damaged, of another platform, or ahead of the log is not used.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

export interface SavedState {
  /** next offset of features.<view> to apply */
  readonly nextOffset: number;
  readonly state: Uint8Array;
}

export interface Snapshots {
  /**
   * @param end the log's next offset of features.<view>
   * @returns null where there is none that can be used
   */
  readonly load: (view: string, generation: number, end: number) => SavedState | null;
  readonly save: (view: string, generation: number, saved: SavedState) => void;
  readonly drop: (view: string, generation: number) => void;
}

export interface SnapshotsOptions {
  readonly directory: string;
  /** the platform's id, a UUID */
  readonly platform: string;
  readonly warn: (message: string) => void;
}

const HEADER_BYTES = 40;
const MAGIC = 0x4d_52_53_32; // MRS2
/** states of earlier releases: they have no checksum, so they are built again, once */
const WITHOUT_CHECKSUM = 0x4d_52_53_31; // MRS1
const ENDING = '.state';

const uuidBytes = (uuid: string): Buffer => Buffer.from(uuid.replaceAll('-', ''), 'hex');

/** Why a file that was read cannot be used; null: it can. */
const flaw = (bytes: Buffer, platform: string, end: number): string | null => {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32LE(0) !== MAGIC) return 'it is damaged';
  const size = bytes.readDoubleLE(16) + HEADER_BYTES;
  if (size !== bytes.length) return `it is damaged: it has ${bytes.length} bytes, not ${size}`;
  if (crc32(bytes.subarray(8)) !== bytes.readUInt32LE(4))
    return 'it is damaged: its checksum does not fit its content';
  if (!bytes.subarray(24, HEADER_BYTES).equals(uuidBytes(platform)))
    return 'it is of another platform';
  const nextOffset = bytes.readDoubleLE(8);
  if (nextOffset > end)
    return `it is newer than the database: it reaches offset ${nextOffset}, and the log ${end}`;
  return null;
};

const viewOf = (file: string): string => file.slice(0, -ENDING.length).replace(/\.\d+$/, '');

/** Removes the saved states of all generations of a view, durably. */
export const removeStates = (directory: string, view: string): void => {
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory))
    if (name.endsWith(ENDING) && viewOf(name) === view)
      rmSync(join(directory, name), { force: true });
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

/**
 * What is wrong with each saved state of a directory; null: nothing.
 * @param endOf view → the log's next offset of features.<view>
 */
export const verifyStates = (
  directory: string,
  platform: string,
  endOf: (view: string) => number,
): readonly { readonly file: string; readonly bytes: number; readonly why: string | null }[] => {
  const names = existsSync(directory) ? readdirSync(directory) : [];
  return names
    .filter((name) => name.endsWith(ENDING))
    .sort()
    .map((name) => {
      const file = join(directory, name);
      const bytes = readFileSync(file);
      return { file, bytes: bytes.length, why: flaw(bytes, platform, endOf(viewOf(name))) };
    });
};

export const openSnapshots = ({ directory, platform, warn }: SnapshotsOptions): Snapshots => {
  mkdirSync(directory, { recursive: true });
  for (const name of readdirSync(directory))
    if (name.endsWith(`${ENDING}.tmp`)) rmSync(join(directory, name), { force: true });
  const fileOf = (view: string, generation: number): string =>
    join(directory, `${view}.${generation}${ENDING}`);
  return {
    load(view, generation, end) {
      const file = fileOf(view, generation);
      let bytes: Buffer;
      try {
        bytes = readFileSync(file);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
          warn(`the saved state ${file} cannot be read, and is built again: ${String(error)}`);
        return null;
      }
      if (bytes.length >= 4 && bytes.readUInt32LE(0) === WITHOUT_CHECKSUM) return null;
      const why = flaw(bytes, platform, end);
      if (why !== null) {
        warn(`the saved state ${file} is not used, and is built again from the log: ${why}.`);
        return null;
      }
      return { nextOffset: bytes.readDoubleLE(8), state: bytes.subarray(HEADER_BYTES) };
    },
    save(view, generation, { nextOffset, state }) {
      const file = fileOf(view, generation);
      const header = Buffer.alloc(HEADER_BYTES);
      header.writeUInt32LE(MAGIC, 0);
      header.writeDoubleLE(nextOffset, 8);
      header.writeDoubleLE(state.length, 16);
      uuidBytes(platform).copy(header, 24);
      header.writeUInt32LE(crc32(state, crc32(header.subarray(8))), 4);
      const descriptor = openSync(`${file}.tmp`, 'w');
      try {
        writeSync(descriptor, header);
        for (let at = 0; at < state.length; ) at += writeSync(descriptor, state, at);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      renameSync(`${file}.tmp`, file);
    },
    drop(view, generation) {
      rmSync(fileOf(view, generation), { force: true });
    },
  };
};
