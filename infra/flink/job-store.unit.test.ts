import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
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

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace-store-'));
  store = openJobStore(join(home, 'jobs'), join(home, 'checkpoints'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

test('the newest checkpoint that is complete is the one to go on from', () => {
  expect(store.checkpoint(job({}))).toBeNull();
  complete('a', 9, 'whole');
  complete('a', 10, 'whole');
  complete('a', 11, '');
  expect(store.checkpoint(job({}))).toBe(join(checkpoints('a'), 'chk-10'));
});

test('what a job goes on from is kept; what it has left behind is told, and removed but once', () => {
  complete('a', 1, 'whole');
  store.write(job({ id: 'a' }));
  expect(store.left()).toEqual([]);
  // It died, and was started again from its checkpoint.
  store.write(job({ id: 'b', from: join(checkpoints('a'), 'chk-1') }));
  expect(store.left()).toEqual([]);
  // It was stopped, and started again from its savepoint.
  store.write(
    job({ id: 'b', from: join(checkpoints('a'), 'chk-1'), savepoint: `file:${savepoint('s')}` }),
  );
  expect(store.left()).toEqual([]);
  store.write(job({ id: 'c', from: `file:${savepoint('s')}` }));
  expect([...store.left()].sort()).toEqual([checkpoints('a'), checkpoints('b')]);
  for (const folder of store.left()) store.removeLeft(folder);
  expect(existsSync(checkpoints('a'))).toBe(false);
  expect(store.left()).toEqual([]);
  store.forget('millrace-compute-v-g1');
  expect([...store.left()].sort()).toEqual([checkpoints('c'), savepoint('s')]);
});

test('a savepoint that another job goes on from is kept', () => {
  store.write(job({ name: 'one', id: 'a', savepoint: savepoint('s') }));
  store.write(job({ name: 'two', id: 'b', from: savepoint('s') }));
  store.forget('one');
  expect(store.left()).toEqual([checkpoints('a')]);
});
