/**
 * Checks SQLite's write-ahead log before the database is opened. SQLite ends the log at the first
 * frame whose checksum does not fit, and drops what follows without a word: right for what a crash
 * left unfinished, but after a flipped bit it would drop transactions that were acknowledged.
 *
 * Each transaction is synced before the next one begins. So a bad frame was acknowledged if a frame
 * of the same log follows the end of its transaction. (Of the last transaction nothing follows: it
 * cannot be told from an unfinished one.)
 *
 * Format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 */
import { readFileSync } from 'node:fs';
import { damaged } from '#infra/sqlite/checksums.ts';

const HEADER = 32;
const FRAME_HEADER = 24;
const BIG_ENDIAN_WORDS = 0x377f0683;
const LITTLE_ENDIAN_WORDS = 0x377f0682;

type Sums = readonly [number, number];

interface Wal {
  readonly bytes: Buffer;
  readonly frameBytes: number;
  readonly frames: number;
  readonly word: (at: number) => number;
}

const open = (bytes: Buffer): Wal | null => {
  if (bytes.length < HEADER) return null;
  const frameBytes = FRAME_HEADER + bytes.readUInt32BE(8);
  return {
    bytes,
    frameBytes,
    frames: Math.floor((bytes.length - HEADER) / frameBytes),
    word:
      bytes.readUInt32BE(0) === BIG_ENDIAN_WORDS
        ? (at) => bytes.readUInt32BE(at)
        : (at) => bytes.readUInt32LE(at),
  };
};

const add = ({ word }: Wal, [a, b]: Sums, from: number, to: number): Sums => {
  let [s0, s1] = [a, b];
  for (let at = from; at < to; at += 8) {
    s0 = (s0 + word(at) + s1) >>> 0;
    s1 = (s1 + word(at + 4) + s0) >>> 0;
  }
  return [s0, s1];
};

const fits = ({ bytes }: Wal, at: number, [s0, s1]: Sums): boolean =>
  bytes.readUInt32BE(at) === s0 && bytes.readUInt32BE(at + 4) === s1;

const frameAt = ({ frameBytes }: Wal, frame: number): number => HEADER + frame * frameBytes;
const salts = ({ bytes }: Wal, at: number): Sums => [
  bytes.readUInt32BE(at),
  bytes.readUInt32BE(at + 4),
];
/** A frame of this log, and not of the one that it overwrites. */
const isOfThis = (wal: Wal, frame: number): boolean => {
  const [mine, its] = [salts(wal, 16), salts(wal, frameAt(wal, frame) + 8)];
  return mine[0] === its[0] && mine[1] === its[1];
};
const endsTransaction = (wal: Wal, frame: number): boolean =>
  wal.bytes.readUInt32BE(frameAt(wal, frame) + 4) !== 0;

/** The first frame that does not fit; `frames` where all do. */
const firstBad = (wal: Wal): number => {
  let sums = salts(wal, 24);
  for (let frame = 0; frame < wal.frames; frame++) {
    const at = frameAt(wal, frame);
    if (!isOfThis(wal, frame)) return frame;
    sums = add(wal, sums, at, at + 8);
    sums = add(wal, sums, at + FRAME_HEADER, at + wal.frameBytes);
    if (!fits(wal, at + 16, sums)) return frame;
  }
  return wal.frames;
};

/** Whether a frame of this log follows the end of the transaction of a bad frame. */
const isFollowed = (wal: Wal, bad: number): boolean => {
  let end = bad;
  while (end < wal.frames && !(isOfThis(wal, end) && endsTransaction(wal, end))) end++;
  return end + 1 < wal.frames && isOfThis(wal, end + 1);
};

const headerFits = (wal: Wal): boolean => {
  const magic = wal.bytes.readUInt32BE(0);
  return (
    (magic === BIG_ENDIAN_WORDS || magic === LITTLE_ENDIAN_WORDS) &&
    fits(wal, 24, add(wal, [0, 0], 0, 24))
  );
};

/**
 * A header is written anew with two other salts, so frames with one of them belong to it. The first
 * frame's place does not depend on what a bad header says.
 */
const hasFramesOfHeader = (wal: Wal): boolean => {
  if (wal.bytes.length < HEADER + FRAME_HEADER) return false;
  const [mine, its] = [salts(wal, 16), salts(wal, HEADER + 8)];
  return mine[0] === its[0] || mine[1] === its[1];
};

/**
 * @param path the database file
 * @throws MR_DATA_DAMAGED
 */
export const checkWriteAheadLog = (path: string): void => {
  let bytes: Buffer;
  try {
    bytes = readFileSync(`${path}-wal`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const wal = open(bytes);
  if (wal === null) return;
  const what = `the write-ahead log ${path}-wal`;
  if (!headerFits(wal)) {
    if (hasFramesOfHeader(wal)) damaged(what, 'the checksum of its header does not fit');
    return;
  }
  const bad = firstBad(wal);
  if (bad < wal.frames && isFollowed(wal, bad))
    damaged(
      what,
      `the frame at byte ${frameAt(wal, bad)} does not fit its checksum, and acknowledged transactions follow it, which SQLite would drop`,
    );
};
