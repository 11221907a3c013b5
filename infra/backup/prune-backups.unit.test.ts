/** Pruning: which backups go, and that the others stay whole wherever it is stopped. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openBackups, openForBackup } from './backup-directory.ts';
import { BACKUP_FORMAT, type BackupEntry, type FileList, writeCatalog } from './catalog.ts';
import type { Content } from './content-store.ts';
import { type PruneOptions, pruneBackups } from './prune-backups.ts';
import { verifyBackups } from './verify-backups.ts';

const DAY = 86_400_000;
const NOW = 100 * DAY;

let from: string;
beforeEach(() => {
  from = mkdtempSync(join(tmpdir(), 'millrace-prune-'));
});
afterEach(() => rmSync(from, { recursive: true, force: true }));

/** Backups b0, b1 …, a day apart, the newest of now. Each shares a file with the one before. */
const make = async (count: number): Promise<void> => {
  const directory = await openForBackup(from);
  const { content } = directory;
  const put = async (text: string): Promise<Content> => {
    const { sha256, bytes } = await content.put(Buffer.from(text));
    return { sha256, bytes };
  };
  const backups: BackupEntry[] = [];
  for (let i = 0; i < count; i++) {
    const list: FileList = {
      database: [await put(`page ${i}`), await put('page of all')],
      files: [
        { ...(await put(`file ${i}`)), path: 'a' },
        { ...(await put(`file ${i + 1}`)), path: 'b' },
      ],
    };
    backups.push({
      id: `b${i}`,
      time: NOW - (count - 1 - i) * DAY,
      logTime: 0,
      topics: [],
      registry: 0,
      audit: null,
      bytes: 0,
      newBytes: 0,
      dataFormat: 1,
      files: await put(JSON.stringify(list)),
    });
  }
  await content.sync();
  await writeCatalog(from, { format: BACKUP_FORMAT, platform: 'p', backups });
  await directory.close();
};

const contents = (): readonly string[] =>
  readdirSync(join(from, 'content'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.includes('/'))
    .sort();
const prune = (options: Omit<PruneOptions, 'from' | 'now'>) =>
  pruneBackups({ from, now: () => NOW, ...options });
const ids = async (): Promise<readonly string[]> =>
  (await openBackups(from)).catalog.backups.map(({ id }) => id);
const damage = async (): Promise<readonly string[]> =>
  (await verifyBackups(await openBackups(from))).backups.flatMap((found) => found.damage);

test('by number, by age, and by both', async () => {
  await make(6);
  expect(await prune({ keep: 5 })).toMatchObject({ deleted: ['b0'], files: 3 });
  expect(await prune({ olderThanMs: 3 * DAY })).toMatchObject({ deleted: ['b1'] });
  expect(await prune({ keep: 3, olderThanMs: DAY })).toMatchObject({ deleted: ['b2', 'b3'] });
  expect(await ids()).toEqual(['b4', 'b5']);
  expect(await damage()).toEqual([]);
  // Of each its list and its page; a page of both; three files.
  expect(contents()).toHaveLength(8);
  expect(await prune({ keep: 2 })).toMatchObject({ deleted: [], files: 0, bytes: 0 });
});

test('the newest stays, unless that is asked for', async () => {
  await make(3);
  await expect(prune({ keep: 0 })).rejects.toMatchObject({ code: 'MR_REFUSED' });
  expect(await prune({ olderThanMs: -DAY })).toMatchObject({ kept: ['b2'] });
  expect(await prune({ keep: 0, evenLast: true })).toMatchObject({ deleted: ['b2'], kept: [] });
  expect(contents()).toEqual([]);
  await make(1);
  expect(await ids()).toEqual(['b0']);
});

test('it says what is missing', async () => {
  await expect(prune({})).rejects.toMatchObject({ code: 'MR_PARAMETER_INVALID' });
  await expect(prune({ keep: 1 })).rejects.toMatchObject({ code: 'MR_NOT_FOUND' });
  await make(1);
  const other = await openForBackup(from);
  await expect(prune({ keep: 1 })).rejects.toMatchObject({ code: 'MR_DATA_DIR_LOCKED' });
  await other.close();
});

test('nothing is deleted where a kept list of files is damaged', async () => {
  await make(3);
  const { catalog } = await openBackups(from);
  const { sha256 } = (catalog.backups[2] as BackupEntry).files;
  rmSync(join(from, 'content', sha256.slice(0, 2), sha256));
  const before = contents();
  await expect(prune({ keep: 1 })).rejects.toMatchObject({ code: 'MR_DATA_DAMAGED' });
  expect(contents()).toEqual(before);
  expect(await ids()).toEqual(['b0', 'b1', 'b2']);
});

test('stopped at any step, every backup of the list is whole, and the next one finishes', async () => {
  let steps = 0;
  await make(5);
  await prune({ keep: 2, checkpoint: () => void steps++ });
  const wanted = contents();
  expect(steps).toBeGreaterThan(5);
  for (let stop = 1; stop <= steps; stop++) {
    rmSync(from, { recursive: true, force: true });
    await make(5);
    let step = 0;
    const checkpoint = (): void => {
      if (++step === stop) throw new Error('stopped');
    };
    await expect(prune({ keep: 2, checkpoint })).rejects.toThrow('stopped');
    expect(await damage(), `stopped at step ${stop}`).toEqual([]);
    await prune({ keep: 2 });
    expect(await ids()).toEqual(['b3', 'b4']);
    expect(await damage()).toEqual([]);
    expect(contents()).toEqual(wanted);
  }
});
