/**
 * Whatever bit of a write-ahead log is flipped: it is refused, or the database still has every
 * transaction but perhaps the last one. A whole log is never refused.
 */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryDirectory } from '#tests/contracts/sqlite.ts';
import { openDatabase } from './database.ts';
import { checkWriteAheadLog } from './write-ahead-log.ts';

const TRANSACTIONS = 6;
let directory: ReturnType<typeof temporaryDirectory>;
let wal: Buffer;

/** A database with its log, as a killed process leaves them. */
beforeAll(() => {
  directory = temporaryDirectory();
  const database = openDatabase(join(directory.path, 'whole.db'));
  database.db.exec('CREATE TABLE numbers (n INTEGER)');
  database.db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  const insert = database.db.prepare('INSERT INTO numbers VALUES (?)');
  for (let n = 1; n <= TRANSACTIONS; n++)
    database.transaction(() => {
      for (let i = 0; i < 40; i++) insert.run(n);
    });
  for (const ending of ['', '-wal'])
    copyFileSync(
      join(directory.path, `whole.db${ending}`),
      join(directory.path, `killed.db${ending}`),
    );
  wal = readFileSync(join(directory.path, 'killed.db-wal'));
  database.close();
});
afterAll(() => directory.remove());

const rowsOf = (content: Buffer): number => {
  const path = join(directory.path, 'tried.db');
  copyFileSync(join(directory.path, 'killed.db'), path);
  writeFileSync(`${path}-wal`, content);
  writeFileSync(`${path}-shm`, '');
  checkWriteAheadLog(path);
  const db = new DatabaseSync(path);
  try {
    return (db.prepare('SELECT count(*) AS n FROM numbers').get() as { n: number }).n;
  } finally {
    db.close();
  }
};

test('a whole log, and one that a crash cut off anywhere, is accepted', () => {
  expect(rowsOf(wal)).toBe(TRANSACTIONS * 40);
  for (let bytes = 0; bytes < wal.length; bytes += 977)
    expect(rowsOf(wal.subarray(0, bytes)) % 40).toBe(0);
});

test('a flipped bit is refused, unless only the last transaction can be lost by it', () => {
  let refused = 0;
  fc.assert(
    fc.property(fc.nat(wal.length - 1), fc.nat(7), (at, bit) => {
      const damaged = Buffer.from(wal);
      damaged[at] = (damaged[at] as number) ^ (1 << bit);
      let rows: number;
      try {
        rows = rowsOf(damaged);
      } catch (error) {
        expect(error).toMatchObject({ code: 'MR_DATA_DAMAGED' });
        refused++;
        return;
      }
      expect(rows).toBeGreaterThanOrEqual((TRANSACTIONS - 1) * 40);
    }),
    { numRuns: 300 },
  );
  expect(refused).toBeGreaterThan(50);
});
