/** Which chunks of an earlier backup a later one takes over. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { BackedUpFile } from '#infra/backup/catalog.ts';
import { openContentStore } from '#infra/backup/content-store.ts';
import type { CopiedBatch } from '#infra/kafka/copy/copied-batch.ts';
import type { BatchReader } from '#infra/kafka/copy/read-batches.ts';
import type { BackupRun } from './backup-files.ts';
import { chunksOf } from './stack-copy.ts';
import { putPartition } from './stack-log-copy.ts';

const TOPIC = 'raw.clicks';
const directory = mkdtempSync(join(tmpdir(), 'millrace-log-copy-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const run: BackupRun = {
  data: directory,
  content: openContentStore(directory),
  before: new Map(),
  added: new Map(),
};

const record = (offset: number, text = `record ${offset}`): CopiedBatch => ({
  first: offset,
  next: offset + 1,
  time: 1_000 + offset,
  producer: '1',
  isMarker: false,
  records: [{ offset, key: null, value: Buffer.from(text), headers: [] }],
});
const marker = (offset: number): CopiedBatch => ({
  ...record(offset),
  isMarker: true,
  records: [],
});

/** Backs up a partition that begins at an offset. */
const backUp = async (
  log: readonly CopiedBatch[],
  begin: number,
  before: readonly BackedUpFile[] = [],
): Promise<readonly BackedUpFile[]> => {
  const reader: Pick<BatchReader, 'batches'> = {
    async *batches(_topic, _partition, from, end) {
      if (from < begin) throw new Error(`OFFSET_OUT_OF_RANGE: ${from}`);
      yield* log.filter(({ first, next }) => next > from && first < end);
    },
  };
  const extent = { topic: TOPIC, begin: [begin], end: [log.at(-1)?.next ?? 0] };
  return putPartition(run, reader as BatchReader, extent, 0, chunksOf(before)(TOPIC, 0));
};
const pathsOf = (files: readonly BackedUpFile[]): readonly string[] =>
  files.map(({ path }) => path.slice(`log/${TOPIC}/0/`.length));

test('a later backup adds what is new', async () => {
  const log = [record(0), record(1), marker(2)];
  const first = await backUp(log, 0);
  const second = await backUp([...log, record(3), marker(4)], 0, first);
  expect(pathsOf(second)).toEqual(['0-3', '3-5']);
});

test('chunks of a log that has gone on differently are not taken over', async () => {
  const first = await backUp([record(0), record(1), marker(2)], 0);
  const second = await backUp([record(0), record(1, 'another'), marker(2)], 0, first);
  expect(pathsOf(second)).toEqual(['0-3']);
  expect(second).not.toEqual(first);
});

test('chunks whose last record was trimmed since are not taken over, nor read again', async () => {
  const log = [record(0), record(1), marker(2)];
  const first = await backUp(log, 0);
  const second = await backUp([...log, record(3), marker(4)], 2, first);
  expect(pathsOf(second)).toEqual(['2-5']);
});

test('chunks without a record may be of another log', async () => {
  const first = await backUp([record(0), marker(1)], 1);
  const second = await backUp([record(0), record(1), marker(2)], 1, first);
  expect(pathsOf(second)).toEqual(['1-3']);
});
