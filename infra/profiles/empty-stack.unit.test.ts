/** Directories that a gateway has marked, or written, are not restored onto. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { makeMark, markUri } from '#infra/shared/files/platform-mark.ts';
import { assertUnused } from './empty-stack.ts';
import { ownedDirectories } from './stack-identity.ts';

const root = mkdtempSync(join(tmpdir(), 'millrace-marks-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test.each(['iceberg', 'paimon', 'jobs'] as const)('a mark of the directory %s', async (marked) => {
  const of = (name: string) => ({
    files: localFiles(),
    uri: fileUri(join(root, `of-${marked}`, name)),
  });
  const places = { iceberg: of('iceberg'), paimon: of('paimon'), jobs: of('jobs') };
  await assertUnused(ownedDirectories(places));
  const id = await makeMark(places[marked], 'd2b0b2d4-5a53-4f3b-9d3e-000000000001');
  await expect(assertUnused(ownedDirectories(places))).rejects.toMatchObject({
    code: 'MR_REFUSED',
    message: expect.stringMatching(`platform ${id}.*remove ${markUri(places[marked])}`),
  });
});

test.each([
  ['iceberg', 'raw/clicks/metadata/version-hint.text'],
  ['paimon', 'default.db/a'],
  ['jobs', 'job.json'],
] as const)('a file in the directory %s', async (written, file) => {
  const of = (name: string) => ({
    files: localFiles(),
    uri: fileUri(join(root, `in-${written}`, name)),
  });
  const places = { iceberg: of('iceberg'), paimon: of('paimon'), jobs: of('jobs') };
  const { files, uri } = places[written];
  await files.write(`${uri}/${file}`, '1');
  await expect(assertUnused(ownedDirectories(places))).rejects.toMatchObject({
    code: 'MR_REFUSED',
    message: expect.stringContaining(`${uri} has files of a platform`),
  });
});
