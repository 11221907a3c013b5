/**
 * What an erasure of the stack has found and removed so far, in the directory `erasures` of the
 * stack, as the embedded profile keeps it in its database. The names have the digest of the entity,
 * and nothing in the files says who it was.
 *
 * | file | content |
 * |---|---|
 * | DIGEST.found.json | when the first run began, and what had the entity |
 * | DIGEST.removed | a line for each group of positions: topic, partition, offsets, and a point |
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { fsyncDirectory, writeDurably } from '#infra/data-directory/data-directory.ts';
import type { ErasureRows, StoredErasure } from '#infra/sqlite/erased.ts';

export interface ErasureNotes extends Pick<ErasureRows, 'stored' | 'store' | 'counts'> {
  /** Durable when it returns. */
  readonly add: (
    erasure: string,
    topic: string,
    partition: number,
    offsets: readonly number[],
  ) => void;
}

/** at the end of each line */
const COMPLETE = '.';

export const erasureNotes = (directory: string): ErasureNotes => {
  const foundFile = (erasure: string): string => `${erasure}.found.json`;
  const removedFile = (erasure: string): string => join(directory, `${erasure}.removed`);
  return {
    stored(erasure) {
      const file = join(directory, foundFile(erasure));
      return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as StoredErasure) : null;
    },
    store(erasure) {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      writeDurably(directory, foundFile(erasure.erasure), JSON.stringify(erasure));
    },
    add(erasure, topic, partition, offsets) {
      if (offsets.length === 0) return;
      const file = openSync(removedFile(erasure), 'a', 0o600);
      try {
        // A killed run may have left a part of a line before it.
        writeSync(file, `\n${topic} ${partition} ${offsets.join(',')} ${COMPLETE}\n`);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      fsyncDirectory(directory);
    },
    counts(erasure) {
      const file = removedFile(erasure);
      const positions = new Map<string, Set<string>>();
      for (const line of existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []) {
        const [topic = '', partition, offsets = '', end] = line.split(' ');
        // One that was not finished is of records that were not removed.
        if (end !== COMPLETE) continue;
        const mine = positions.get(topic) ?? new Set<string>();
        positions.set(topic, mine);
        for (const offset of offsets.split(',')) mine.add(`${partition}:${offset}`);
      }
      return Object.fromEntries(
        [...positions]
          .map(([topic, { size }]) => [topic, size] as const)
          .sort(([a], [b]) => a.localeCompare(b)),
      );
    },
  };
};
