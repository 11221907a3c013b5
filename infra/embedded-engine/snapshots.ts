/**
 * Saved states of generations: one file each, replaced atomically. A state only saves time: without
 * it the same tiles are rebuilt from features.<view>. It contains the offset of that topic up to
 * which it is complete.
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

export interface SavedState {
  /** next offset of features.<view> to apply */
  readonly nextOffset: number;
  readonly state: Uint8Array;
}

export interface Snapshots {
  readonly load: (view: string, generation: number) => SavedState | null;
  readonly save: (view: string, generation: number, saved: SavedState) => void;
  readonly drop: (view: string, generation: number) => void;
}

const HEADER_BYTES = 16;
const MAGIC = 0x4d_52_53_31; // MRS1

export const openSnapshots = (directory: string): Snapshots => {
  mkdirSync(directory, { recursive: true });
  const fileOf = (view: string, generation: number): string =>
    join(directory, `${view}.${generation}.state`);
  return {
    load(view, generation) {
      let bytes: Buffer;
      try {
        bytes = readFileSync(fileOf(view, generation));
      } catch {
        return null;
      }
      if (bytes.length < HEADER_BYTES || bytes.readUInt32LE(0) !== MAGIC) return null;
      return { nextOffset: bytes.readDoubleLE(8), state: bytes.subarray(HEADER_BYTES) };
    },
    save(view, generation, { nextOffset, state }) {
      const file = fileOf(view, generation);
      const header = Buffer.alloc(HEADER_BYTES);
      header.writeUInt32LE(MAGIC, 0);
      header.writeDoubleLE(nextOffset, 8);
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
