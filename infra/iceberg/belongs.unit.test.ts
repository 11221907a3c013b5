/** Tables that do not fit the log, where the tables' writer states no end offsets. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { platformOf } from '#infra/shared/iceberg/metadata.ts';
import { loadTable, tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import { type Bases, makeBases } from '#tests/faults/damage/fixture.ts';
import { type StrayOptions, strayTables } from './belongs.ts';
import { newestTableFiles } from './table-files.ts';

let bases: Bases;
beforeAll(async () => {
  bases = await makeBases();
});
afterAll(() => bases.dispose());

const isWanted = (topic: string): boolean => topic.startsWith('raw.');

test('a table is ahead of the log by what its rows have', async () => {
  const root = { files: localFiles(), uri: fileUri(join(bases.copy(), 'history')) };
  const stated = (await newestTableFiles(root, 'raw.sales'))?.endOffsets[0] ?? 0;
  const asked: string[] = [];
  const damaged: string[] = [];
  const strays = async (end: number, options: Partial<StrayOptions> = {}) =>
    (
      await strayTables({
        root,
        platform: 'unknown',
        isWanted,
        async reachedOf(topic) {
          asked.push(topic);
          return [stated + 10];
        },
        endOf: () => [end],
        onDamaged: (topic) => damaged.push(topic),
        ...options,
      })
    ).map(({ topic, ahead }) => [topic, ahead]);

  // Of another platform, rows are not looked at.
  expect(await strays(0)).toEqual([
    ['raw.sales', null],
    ['raw.visits', null],
  ]);
  expect(asked).toEqual([]);

  const table = await loadTable(tableDirectory(root, 'raw.sales'));
  const platform = table === null ? '' : (platformOf(table.metadata) ?? '');
  expect(await strays(stated + 10, { platform })).toEqual([]);
  const ahead = { partition: 0, offset: stated + 10, end: stated };
  expect(await strays(stated, { platform })).toEqual(
    ['raw.sales', 'raw.visits'].map((topic) => [topic, { topic, ...ahead }]),
  );
  const reachedOf = () => Promise.reject(new Error('a file cannot be read'));
  expect(await strays(0, { platform, reachedOf })).toEqual([]);
  expect(damaged).toEqual(['raw.sales', 'raw.visits']);
});
