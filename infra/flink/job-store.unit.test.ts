import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { type JobStore, openJobStore, type StoredJob } from './job-store.ts';

let home: string;
let store: JobStore;
const checkpoints = (id: string): string => join(home, 'checkpoints', id);
const savepoint = (name: string): string => join(home, 'savepoints', name);
const job = (more: Partial<StoredJob>): StoredJob => ({
  name: 'millrace-compute-v-g1',
  id: 'a',
  hash: 'h',
  savepoint: null,
  ...more,
});
const complete = (id: string, number: number, bytes: string): void => {
  mkdirSync(join(checkpoints(id), `chk-${number}`), { recursive: true });
  writeFileSync(join(checkpoints(id), `chk-${number}`, '_metadata'), bytes);
};
const unused = async (): Promise<string[]> => (await store.unused()).map(({ uri }) => uri).sort();

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace jobs-'));
  const files = localFiles();
  store = openJobStore(
    { files, uri: fileUri(join(home, 'jobs')) },
    { files, uri: fileUri(join(home, 'checkpoints')) },
  );
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

test('the newest complete checkpoint is the one to start from', async () => {
  expect(await store.checkpoint(job({}))).toBeNull();
  complete('a', 9, 'whole');
  complete('a', 10, 'whole');
  complete('a', 11, '');
  mkdirSync(join(checkpoints('a'), 'chk-12'));
  expect(await store.checkpoint(job({}))).toBe(`file://${join(checkpoints('a'), 'chk-10')}`);
});

test('a job is found as it was written, until it is forgotten', async () => {
  expect(await store.find('millrace-compute-v-g1')).toBeNull();
  await store.write(job({ startOffsets: [1, 2] }));
  await store.write(job({ id: 'b', name: 'a/b %' }));
  expect(await store.find('millrace-compute-v-g1')).toEqual(job({ startOffsets: [1, 2] }));
  expect(await store.find('a/b %')).toEqual(job({ id: 'b', name: 'a/b %' }));
  await store.forget('a/b %');
  expect(await store.find('a/b %')).toBeNull();
});

test('state that a job starts from is kept; state that it has moved on from is unused', async () => {
  complete('a', 1, 'whole');
  await store.write(job({ id: 'a' }));
  expect(await unused()).toEqual([]);
  // The job died, and was started again from its checkpoint.
  await store.write(job({ id: 'b', from: join(checkpoints('a'), 'chk-1') }));
  expect(await unused()).toEqual([]);
  // The job was stopped, and started again from its savepoint.
  await store.write(
    job({ id: 'b', from: join(checkpoints('a'), 'chk-1'), savepoint: `file:${savepoint('s')}` }),
  );
  expect(await unused()).toEqual([]);
  await store.write(job({ id: 'c', from: `file:${savepoint('s')}` }));
  expect(await unused()).toEqual([fileUri(checkpoints('a')), fileUri(checkpoints('b'))]);
  for (const uri of await unused()) await store.deleteUnused(uri);
  expect(existsSync(checkpoints('a'))).toBe(false);
  expect(await unused()).toEqual([]);
  await store.forget('millrace-compute-v-g1');
  expect(await unused()).toEqual([fileUri(checkpoints('c')), fileUri(savepoint('s'))]);
});

test('unused state has the time of its newest change, or of the moment when it became unused', async () => {
  const before = Date.now() - 1_000;
  complete('a', 1, 'whole');
  await store.write(job({ id: 'a' }));
  await store.forget('millrace-compute-v-g1');
  const [first] = await store.unused();
  expect(first?.since).toBeGreaterThan(before);
  await new Promise((done) => setTimeout(done, 20));
  complete('a', 2, 'whole');
  const [later] = await store.unused();
  expect(later?.since).toBeGreaterThan(first?.since as number);
});

test('a savepoint that another job starts from is kept', async () => {
  await store.write(job({ name: 'one', id: 'a', savepoint: savepoint('s') }));
  await store.write(job({ name: 'two', id: 'b', from: savepoint('s') }));
  await store.forget('one');
  expect(await unused()).toEqual([fileUri(checkpoints('a'))]);
});

test('jobs without state start anew, and only state of the others stays', async () => {
  const files = localFiles();
  const kept = { name: 'millrace-compute-kept-g1', id: 'k', from: savepoint('old') };
  for (const id of ['a', 'k', 'gone']) complete(id, 1, 'whole');
  for (const name of ['old', 'left', 'own']) {
    mkdirSync(savepoint(name), { recursive: true });
    writeFileSync(join(savepoint(name), '_metadata'), 'whole');
  }
  await store.write(job({ ...kept }));
  const own = { savepoint: `file://${savepoint('own')}`, historyQuery: 'SELECT 1' };
  await store.write(job({ ...own, startOffsets: [3], runs: 'r' }));
  const dropped = await store.dropStates((name) => name === kept.name, {
    files,
    uri: fileUri(join(home, 'savepoints')),
  });
  expect(dropped).toEqual(['millrace-compute-v-g1']);
  const left = (await store.find('millrace-compute-v-g1')) as StoredJob;
  expect(left).toEqual(job({ id: left.id, from: null, startOffsets: [3], runs: 'r' }));
  expect(await store.checkpoint(left)).toBeNull();
  expect(await store.find(kept.name)).toEqual(job(kept));
  const there = (path: string): boolean => existsSync(join(path, '_metadata'));
  expect(['old', 'left', 'own'].map((name) => there(savepoint(name)))).toEqual([
    true,
    false,
    false,
  ]);
  expect(['a', 'k', 'gone'].map((id) => there(join(checkpoints(id), 'chk-1')))).toEqual([
    false,
    true,
    false,
  ]);
  expect(await unused()).toEqual([]);
});
