/**
 * Checks SQLite's write-ahead log before the database is opened. SQLite ends the log at the first
 * frame whose checksum does not fit, and drops what follows without a word: right for what a crash
 * left unfinished, but after a flipped bit it would drop transactions that were acknowledged.
 *
 * Each transaction is synced before the next one begins. So a bad frame was acknowledged if a frame
 * of the same log follows the end of its transaction. Of the last transaction nothing follows. But
 * SQLite's index of the log (`-shm`, a file in shared memory, which is not synced) says how many
 * frames there are, and SQLite writes that only after it has synced them. So frames that it counts
 * were acknowledged. It outlives a killed process. A power cut can leave an older index, which
 * counts fewer frames, or none.
 *
 * Formats: https://www.sqlite.org/fileformat2.html#the_write_ahead_log,
 * https://www.sqlite.org/walformat.html#the_wal_index_file_format
 */
import { copyFileSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { endianness } from 'node:os';
import { damaged } from '#infra/sqlite/checksums.ts';

const HEADER = 32;
const FRAME_HEADER = 24;
const BIG_ENDIAN_WORDS = 0x377f0683;
const LITTLE_ENDIAN_WORDS = 0x377f0682;

type Sums = readonly [number, number];

interface Words {
  readonly bytes: Buffer;
  readonly word: (at: number) => number;
}

interface Wal extends Words {
  readonly frameBytes: number;
  readonly frames: number;
}

const wordsOf = (bytes: Buffer, bigEndian: boolean): Words => ({
  bytes,
  word: bigEndian ? (at) => bytes.readUInt32BE(at) : (at) => bytes.readUInt32LE(at),
});

const open = (bytes: Buffer): Wal | null => {
  if (bytes.length < HEADER) return null;
  const frameBytes = FRAME_HEADER + bytes.readUInt32BE(8);
  return {
    ...wordsOf(bytes, bytes.readUInt32BE(0) === BIG_ENDIAN_WORDS),
    frameBytes,
    frames: Math.floor((bytes.length - HEADER) / frameBytes),
  };
};

const add = ({ word }: Words, [a, b]: Sums, from: number, to: number): Sums => {
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

/** The index has two equal copies of its header, and then how far the log is in the database. */
const INDEX_HEADER = 48;
const INDEX_BYTES = 2 * INDEX_HEADER + 4;

interface Indexed {
  /** that were synced */
  readonly frames: number;
  /** of these, copied to the database */
  readonly copied: number;
}
const NOT_INDEXED: Indexed = { frames: 0, copied: 0 };

const readIfThere = (file: string): Buffer | null => {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
};

/** What the index says of this log; nothing where it is damaged, of another log, or missing. */
const indexed = (bytes: Buffer | null, wal: Wal): Indexed => {
  if (bytes === null || bytes.length < INDEX_BYTES) return NOT_INDEXED;
  const header = bytes.subarray(0, INDEX_HEADER);
  const words = wordsOf(bytes, endianness() === 'BE');
  const [s0, s1] = add(words, [0, 0], 0, 40);
  const isWhole =
    header.equals(bytes.subarray(INDEX_HEADER, 2 * INDEX_HEADER)) &&
    bytes[12] === 1 &&
    words.word(40) === s0 &&
    words.word(44) === s1;
  const isOfThisLog = header.subarray(32, 40).equals(wal.bytes.subarray(16, 24));
  return isWhole && isOfThisLog
    ? { frames: words.word(16), copied: words.word(2 * INDEX_HEADER) }
    : NOT_INDEXED;
};

/**
 * @param path the database file
 * @throws MR_DATA_DAMAGED
 */
export const checkWriteAheadLog = (path: string): void => {
  // A running process may be writing: the index is read first, so that it is not ahead.
  const index = readIfThere(`${path}-shm`);
  const bytes = readIfThere(`${path}-wal`);
  const wal = bytes === null ? null : open(bytes);
  if (wal === null) return;
  const what = `the write-ahead log ${path}-wal`;
  if (!headerFits(wal)) {
    if (hasFramesOfHeader(wal)) damaged(what, 'the checksum of its header does not fit');
    return;
  }
  const bad = firstBad(wal);
  if (indexed(index, wal).frames > bad || (bad < wal.frames && isFollowed(wal, bad)))
    damaged(
      what,
      `the frame at byte ${frameAt(wal, bad)} is missing or does not fit its checksum, and belongs to acknowledged transactions, which SQLite would drop`,
    );
};

/**
 * Takes the frames from the first bad one on out of the log, so that the database opens with the
 * transactions before them. `keep` gets a copy of the log.
 */
export const cutWriteAheadLog = (path: string, keep: string): void => {
  const file = `${path}-wal`;
  copyFileSync(file, keep);
  const wal = open(readFileSync(file));
  const bad = wal !== null && headerFits(wal) ? firstBad(wal) : 0;
  // Where the database has more of the log than its good frames, these would undo a part of that.
  if (wal === null || bad === 0 || indexed(readIfThere(`${path}-shm`), wal).copied > bad)
    rmSync(file);
  else truncateSync(file, frameAt(wal, bad));
  rmSync(`${path}-shm`, { force: true });
};
