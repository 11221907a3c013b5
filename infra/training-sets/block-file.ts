/** Blocks of events in a file, each after its length: what does not fit in memory. */
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import type { EventBlock } from './event-blocks.ts';

const LENGTH_BYTES = 8;

export interface BlockFile {
  add(block: EventBlock): void;
  close(): void;
}

export const createBlockFile = (path: string): BlockFile => {
  const file = openSync(path, 'w');
  return {
    add(block) {
      const bytes = serialize(block);
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeDoubleLE(bytes.length);
      writeFileSync(file, length);
      writeFileSync(file, bytes);
    },
    close: () => closeSync(file),
  };
};

const read = (file: number, length: number): Buffer => {
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  while (at < length) {
    const more = readSync(file, bytes, at, length - at, null);
    if (more === 0) break;
    at += more;
  }
  return bytes.subarray(0, at);
};

export function* readBlocks(path: string): Generator<EventBlock> {
  const file = openSync(path, 'r');
  try {
    for (;;) {
      const length = read(file, LENGTH_BYTES);
      if (length.length === 0) return;
      yield deserialize(read(file, length.readDoubleLE())) as EventBlock;
    }
  } finally {
    closeSync(file);
  }
}
