/**
 * Whatever bit of a write-ahead log is flipped, and wherever it is cut: it is refused, or the
 * database still has every transaction; without the log's index, perhaps not the last one. A whole
 * log is never refused, whatever the index is.
 */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryDirectory } from '#tests/contracts/sqlite.ts';
import { openDatabase } from './database.ts';
import { checkWriteAheadLog, cutWriteAheadLog } from './write-ahead-log.ts';

const TRANSACTIONS = 6;
let directory: ReturnType<typeof temporaryDirectory>;
let wal: Buffer;
let index: Buffer;
/** when half of the transactions were there */
let older: Buffer;

/** A database with its log, as a killed process leaves them. */
beforeAll(() => {
  directory = temporaryDirectory();
  const database = openDatabase(join(directory.path, 'whole.db'));
  database.db.exec('CREATE TABLE numbers (n INTEGER)');
  database.db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  const insert = database.db.prepare('INSERT INTO numbers VALUES (?)');
  for (let n = 1; n <= TRANSACTIONS; n++) {
    database.transaction(() => {
      for (let i = 0; i < 40; i++) insert.run(n);
    });
    if (n === TRANSACTIONS / 2) older = readFileSync(join(directory.path, 'whole.db-shm'));
  }
  for (const ending of ['', '-wal', '-shm'])
    copyFileSync(
      join(directory.path, `whole.db${ending}`),
      join(directory.path, `killed.db${ending}`),
    );
  wal = readFileSync(join(directory.path, 'killed.db-wal'));
  index = readFileSync(join(directory.path, 'killed.db-shm'));
  database.close();
});
afterAll(() => directory.remove());

const NO_INDEX = Buffer.alloc(0);

const rowsOf = (content: Buffer, indexed: Buffer): number => {
  const path = join(directory.path, 'tried.db');
  copyFileSync(join(directory.path, 'killed.db'), path);
  writeFileSync(`${path}-wal`, content);
  writeFileSync(`${path}-shm`, indexed);
  checkWriteAheadLog(path);
  const db = new DatabaseSync(path);
  try {
    return (db.prepare('SELECT count(*) AS n FROM numbers').get() as { n: number }).n;
  } finally {
    db.close();
  }
};

test('a whole log, and one that a crash cut off anywhere, is accepted', () => {
  expect(rowsOf(wal, NO_INDEX)).toBe(TRANSACTIONS * 40);
  for (let bytes = 0; bytes < wal.length; bytes += 977)
    expect(rowsOf(wal.subarray(0, bytes), NO_INDEX) % 40).toBe(0);
});

/** The rows that remain; null: the log is refused. */
const tried = (content: Buffer, indexed: Buffer): number | null => {
  try {
    return rowsOf(content, indexed);
  } catch (error) {
    expect(error).toMatchObject({ code: 'MR_DATA_DAMAGED' });
    return null;
  }
};

const flipped = (bytes: Buffer, at: number, bit: number): Buffer => {
  const damaged = Buffer.from(bytes);
  damaged[at] = (damaged[at] as number) ^ (1 << bit);
  return damaged;
};

test.each([
  ['a flipped bit is refused, unless only the last transaction can be lost by it', false],
  ['with the index, a flipped bit of the last transaction is refused, too', true],
])('%s', (_, withIndex) => {
  let refused = 0;
  const least = withIndex ? TRANSACTIONS : TRANSACTIONS - 1;
  fc.assert(
    fc.property(fc.nat(wal.length - 1), fc.nat(7), (at, bit) => {
      const rows = tried(flipped(wal, at, bit), withIndex ? index : NO_INDEX);
      if (rows === null) refused++;
      else expect(rows).toBeGreaterThanOrEqual(least * 40);
    }),
    { numRuns: 300 },
  );
  expect(refused).toBeGreaterThan(50);
});

test('with the index, a log that lost its end is refused', () => {
  expect(tried(wal, index)).toBe(TRANSACTIONS * 40);
  for (let bytes = 32; bytes < wal.length; bytes += 977)
    expect(tried(wal.subarray(0, bytes), index)).toBeNull();
});

test('an index that is older, or damaged, refuses no log', () => {
  expect(older.equals(index)).toBe(false);
  expect(tried(wal, older)).toBe(TRANSACTIONS * 40);
  fc.assert(
    fc.property(fc.nat(95), fc.nat(7), (at, bit) => {
      expect(tried(wal, flipped(index, at, bit))).toBe(TRANSACTIONS * 40);
    }),
  );
});

test('a log that is cut at its first bad frame has the transactions before it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 32, max: wal.length - 1 }), fc.nat(7), (at, bit) => {
      const path = join(directory.path, 'cut.db');
      copyFileSync(join(directory.path, 'killed.db'), path);
      writeFileSync(`${path}-wal`, flipped(wal, at, bit));
      writeFileSync(`${path}-shm`, index);
      cutWriteAheadLog(path, `${path}-wal.damaged`);
      expect(readFileSync(`${path}-wal.damaged`).equals(flipped(wal, at, bit))).toBe(true);
      checkWriteAheadLog(path);
      const db = new DatabaseSync(path);
      try {
        const { n } = db.prepare('SELECT count(*) AS n FROM numbers').get() as { n: number };
        const frameBytes = wal.readUInt32BE(8) + 24;
        let whole = 0;
        for (let end = 32 + frameBytes; end <= at; end += frameBytes)
          if (wal.readUInt32BE(end - frameBytes + 4) !== 0) whole++;
        expect(n).toBe(whole * 40);
      } finally {
        db.close();
      }
    }),
    { numRuns: 100 },
  );
});
