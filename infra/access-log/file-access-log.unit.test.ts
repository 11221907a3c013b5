/** The promises of the access log. */
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AccessEntry } from '#domain/ports/access-log.ts';
import { fileAccessLog } from './file-access-log.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-access-log-'));
  file = join(directory, 'access.jsonl');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const entry = (time: number): AccessEntry => ({
  time,
  act: 'read',
  principal: 'access-key/1',
  actor: 'ann\n',
  request: null,
  what: ['feature-service/scoring'],
  namespaces: ['payments'],
  entities: 1,
  outcome: 'ok',
  sample: 1,
});
const lines = (path = file): readonly unknown[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);
const never = 2 ** 30;

test('entries are in order, one on a line, in a file of the owner, after those of before', async () => {
  for (const times of [[1, 2, 3], [4]]) {
    const log = fileAccessLog(file, { warn: expect.unreachable, everyMs: never });
    for (const time of times) log.write(entry(time));
    await log.close();
  }
  expect(lines()).toEqual([1, 2, 3, 4].map(entry));
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('a renamed file keeps what it has, and the log goes on in a new one', async () => {
  const log = fileAccessLog(file, { warn: expect.unreachable, everyMs: never });
  log.write(entry(1));
  await log.close();
  renameSync(file, `${file}.1`);
  log.write(entry(2));
  await log.close();
  expect([lines(`${file}.1`), lines()]).toEqual([[entry(1)], [entry(2)]]);
});

test('what cannot be written, or has no room, is counted; the log says so once it can', async () => {
  const [warnings, written]: [string[], string[]] = [[], []];
  let full = true;
  const log = fileAccessLog(file, {
    warn: (message) => void warnings.push(message),
    everyMs: never,
    most: 2,
    async append(text) {
      if (full) throw new Error('ENOSPC');
      written.push(text);
    },
  });
  for (const time of [1, 2, 3]) log.write(entry(time));
  await log.close();
  log.write(entry(4));
  await log.close();
  expect(warnings).toHaveLength(1);
  full = false;
  log.write(entry(5));
  await log.close();
  const texts = [{ lost: 4 }, entry(5)].map((line) => `${JSON.stringify(line)}\n`);
  expect(written).toEqual([texts.join('')]);
});
