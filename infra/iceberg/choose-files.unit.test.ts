/** Which files of a table are merged, and into how many. */
import { expect, test } from 'vitest';
import type { DataFile, ManifestEntry, ManifestFile } from '#infra/shared/iceberg/manifest.ts';
import { chooseFiles } from './choose-files.ts';

const OFFSET = 7;
const sizes = { minFiles: 3, smallBytes: 1_000, fileRows: 100, maxRows: 1_000_000 };
const options = { ...sizes, partition: 'day', order: 1, offset: OFFSET };

const entry = (day: number, offset: number, rows: number, more: Partial<DataFile> = {}) => {
  const lower = Buffer.alloc(8);
  lower.writeBigInt64LE(BigInt(offset));
  return {
    data_file: {
      file_path: `${day}/${offset}`,
      partition: { day },
      record_count: rows,
      file_size_in_bytes: 10,
      lower_bounds: [{ key: OFFSET, value: lower }],
      sort_order_id: 1,
      ...more,
    },
  } as unknown as ManifestEntry;
};
const choose = (...lists: readonly ManifestEntry[][]) => {
  const manifests = lists.map((_, i) => ({ manifest_path: `${i}` }) as ManifestFile);
  const { untouched, kept, merged } = chooseFiles(manifests, lists, options);
  const paths = (entries: readonly ManifestEntry[]) => entries.map((e) => e.data_file.file_path);
  return {
    untouched: untouched.map(({ manifest_path }) => manifest_path),
    kept: paths(kept),
    merged: merged.map((some) => paths(some).sort()),
  };
};

test('enough small files of a day are merged; the others stay', () => {
  const first = [entry(1, 0, 9), entry(1, 9, 9), entry(2, 0, 9)];
  expect(choose(first, [entry(1, 18, 9)], [entry(3, 0, 9)])).toEqual({
    untouched: ['2'],
    kept: ['2/0'],
    merged: [['1/0', '1/18', '1/9']],
  });
  expect(choose([entry(1, 0, 9), entry(1, 9, 9)]).merged).toEqual([]);
});

test('files with many bytes or many rows are not small', () => {
  const large = [entry(1, 0, 100), entry(1, 100, 9, { file_size_in_bytes: 1_000 })];
  expect(choose([...large, entry(1, 200, 9), entry(1, 209, 9)]).merged).toEqual([]);
});

test('the small files of a day become several files, by their first offsets', () => {
  const files = [150, 0, 100, 50, 250, 200, 350, 300].map((offset) => entry(1, offset, 40));
  // Of the last two, a file of enough rows cannot be made yet.
  expect(choose(files).merged).toEqual([
    ['1/0', '1/100', '1/50'],
    ['1/150', '1/200', '1/250'],
  ]);
  const two = [...files, ...[0, 1, 2].map((offset) => entry(2, offset, 5))];
  expect(choose(two).merged).toEqual([
    ['1/0', '1/100', '1/50', '2/0', '2/1', '2/2'],
    ['1/150', '1/200', '1/250'],
  ]);
});

test('files in another order are replaced, however few and large they are', () => {
  const other = { sort_order_id: 0, file_size_in_bytes: 5_000 };
  expect(choose([entry(1, 0, 500, other), entry(1, 500, 500)]).merged).toEqual([['1/0']]);
});

test('offsets of a table without such a column do not count', () => {
  const files = [entry(1, 2, 9), entry(1, 1, 9), entry(1, 0, 9)];
  const { merged } = chooseFiles([{} as ManifestFile], [files], { ...options, offset: undefined });
  expect(merged).toEqual([files]);
});
