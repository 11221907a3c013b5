/** A directory that a gateway has marked is not restored onto: the next start would refuse it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { makeMark, markUri } from '#infra/shared/files/platform-mark.ts';
import { assertNoMarks } from './empty-stack.ts';
import { ownedDirectories } from './stack-identity.ts';

const root = mkdtempSync(join(tmpdir(), 'millrace-marks-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test.each(['iceberg', 'paimon', 'jobs'] as const)('a mark of the directory %s', async (marked) => {
  const of = (name: string) => ({
    files: localFiles(),
    uri: fileUri(join(root, `of-${marked}`, name)),
  });
  const places = { iceberg: of('iceberg'), paimon: of('paimon'), jobs: of('jobs') };
  await assertNoMarks(ownedDirectories(places));
  const id = await makeMark(places[marked], 'd2b0b2d4-5a53-4f3b-9d3e-000000000001');
  await expect(assertNoMarks(ownedDirectories(places))).rejects.toMatchObject({
    code: 'MR_REFUSED',
    message: expect.stringMatching(`platform ${id}.*remove ${markUri(places[marked])}`),
  });
});
