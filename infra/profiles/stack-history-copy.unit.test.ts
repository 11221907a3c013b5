/** A log that is trimmed before or while its history is copied. */
import { expect, test } from 'vitest';
import type { BatchReader } from '#infra/kafka/copy/read-batches.ts';
import { copyHistoryAndLog } from './stack-history-copy.ts';

const END = 100;

/** A cluster with one topic that has a table; Flink's summaries have no end offsets. */
const cluster = () => {
  let begin = 0;
  let registryEnd = 1;
  let copies = 0;
  const reader: BatchReader = {
    topics: async () => ['raw.clicks', 'registry'],
    begins: async (topic) => [topic === 'raw.clicks' ? begin : 0],
    ends: async (topic) => [topic === 'raw.clicks' ? END : registryEnd],
    newestTime: async () => 1_000,
    committed: async () => [],
    async *batches() {},
    close: async () => {},
  };
  const copy = (onCopy: (copies: number) => void = () => {}) =>
    copyHistoryAndLog({
      reader,
      nudge: async () => void registryEnd++,
      isMine: async () => () => true,
      async putTables() {
        onCopy(++copies);
        return [{ topic: 'raw.clicks', endOffsets: [], files: [] }];
      },
    });
  const trim = (offset: number): void => {
    begin = offset;
  };
  return { copy, trim, copies: () => copies };
};

test('a log that was trimmed before is copied with its history', async () => {
  const { copy, trim, copies } = cluster();
  trim(END);
  const { tables, topics } = await copy();
  expect(tables.map(({ topic }) => topic)).toEqual(['raw.clicks']);
  expect(topics).toContainEqual({ topic: 'raw.clicks', begin: [END], end: [END] });
  expect(copies()).toBe(1);
});

test('where it is trimmed while the history is copied, the history is copied again', async () => {
  const { copy, trim, copies } = cluster();
  await copy((n) => n === 1 && trim(50));
  expect(copies()).toBe(2);
});

test('a log that is trimmed during each copy is refused', async () => {
  const { copy, trim } = cluster();
  await expect(copy((n) => trim(n))).rejects.toMatchObject({
    code: 'MR_STORAGE_FAILED',
    details: { topic: 'raw.clicks' },
  });
});
