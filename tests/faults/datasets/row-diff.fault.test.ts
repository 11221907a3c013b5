/**
 * The promise: rows of data sets are compared in memory that does not depend on their size. Two
 * files of several times the limit are compared exactly, in another order too, and what was spilled
 * is removed.
 */
import { existsSync, statSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { diffFiles } from '#infra/training-sets/diff-files.ts';
import { type Workplace, workplace } from '#tests/training-sets/files.ts';

const ROWS = 1_000_000;
const LIMIT_MB = 160;

let work: Workplace;
beforeAll(async () => {
  work = await workplace();
});
afterAll(() => work.close());

/** Texts that do not compress; every tenth row has the key and time of the one before. */
const select = (of: string, order: string): string =>
  `SELECT 'shop ' || ((i - (i % 10 = 9)::INT) % 1000) AS shop,
     make_timestamptz((i - (i % 10 = 9)::INT) * 1000000::BIGINT) AS event_timestamp,
     md5(i::VARCHAR) || md5((i + 1)::VARCHAR) AS text, i AS label, ${of} AS value
   FROM range(${ROWS}) r(i) ${order}`;

/** Two large files that differ in known rows. */
let files: readonly [string, string];
beforeAll(async () => {
  files = [
    await work.write('first.parquet', select('i / 7', 'WHERE i % 1000 <> 17')),
    await work.write(
      'second.parquet',
      select('CASE WHEN i % 5000 = 3 THEN NULL ELSE i / 7 END', 'WHERE i % 2000 <> 15'),
    ),
  ];
}, 120_000);

test('two files of several times the memory', { timeout: 600_000 }, async () => {
  const bytes = files.map((path) => statSync(path).size);
  expect(bytes.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(80 * 2 ** 20);
  const spill = work.path('diff.spill');
  const before = process.memoryUsage.rss();
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss() - before);
  }, 20);
  const diff = await diffFiles({ files, keys: ['shop'], examples: 2 }, spill, `${LIMIT_MB}MB`);
  clearInterval(watch);
  expect(diff).toMatchObject({
    rows: { first: ROWS - ROWS / 1000, second: ROWS - ROWS / 2000 },
    onlyFirst: ROWS / 2000,
    onlySecond: ROWS / 1000,
    changed: ROWS / 5000,
    columns: [
      {
        column: 'value',
        changed: ROWS / 5000,
        examples: [{ second: null }, { second: null }],
      },
    ],
  });
  expect(existsSync(spill)).toBe(false);
  // DuckDB's limit, and what it does not count.
  expect(most / 2 ** 20).toBeLessThan(3 * LIMIT_MB);
});

test('a comparison whose client has gone ends, and leaves nothing', async () => {
  const abort = new AbortController();
  const spill = work.path('ended.spill');
  const { signal } = abort;
  const running = diffFiles({ files, keys: ['shop'], examples: 2, signal }, spill, '160MB');
  setTimeout(() => abort.abort(), 300);
  await expect(running).rejects.toMatchObject({ name: 'AbortError' });
  expect(existsSync(spill)).toBe(false);
});
