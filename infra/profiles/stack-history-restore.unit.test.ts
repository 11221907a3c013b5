/** Tables of a backup that are restored beside a log that was trimmed. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { newestTableFiles } from '#infra/iceberg/table-files.ts';
import type { CutLog } from '#infra/kafka/copy/cut-batches.ts';
import { type Bases, makeBases } from '#tests/faults/damage/fixture.ts';
import { cutTables } from './stack-history-restore.ts';

const TOPIC = 'raw.sales';
let bases: Bases;
beforeAll(async () => {
  bases = await makeBases();
});
afterAll(() => bases.dispose());

/** A log of this extent, in the one partition that the table has. */
const cutAt = (begin: number, end: number, time: number): CutLog => {
  const partition = { topic: TOPIC, partition: 0, begin, end, async *batches() {} };
  return { time, partitions: [{ partition, end, isTrimmed: false, hidden: new Set() }] };
};

const restored = async (log: (reached: number) => CutLog) => {
  const data = bases.copy();
  const root = { files: localFiles(), uri: fileUri(join(data, 'history')) };
  const reached = async (): Promise<number> =>
    (await newestTableFiles(root, TOPIC))?.endOffsets[0] ?? 0;
  const before = await reached();
  const became = await cutTables(root, [TOPIC], log(before), join(data, '.spill'));
  return { became, before, after: await reached() };
};

test('a table that ends before markers, all that the log has, is kept', async () => {
  const { became, before, after } = await restored((reached) =>
    cutAt(reached + 1, reached + 1, Date.now()),
  );
  expect(became).toEqual([]);
  expect(after).toBe(before);
});

test('a table that would end before the log begins after it is taken back is refused', async () => {
  await expect(
    restored((reached) => cutAt(reached - 1, reached - 1, Date.now())),
  ).rejects.toMatchObject({ code: 'MR_REFUSED', details: { topic: TOPIC } });
});
