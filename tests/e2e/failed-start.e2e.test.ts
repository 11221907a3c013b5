/** A start that fails closes what it has opened: the next one in the same process succeeds. */
import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { startEmbedded } from '#infra/profiles/embedded.ts';
import { type TestPlatform, testPlatform } from '#tests/support/platform.ts';

let on: TestPlatform | null = null;
afterEach(async () => {
  await on?.dispose();
  on = null;
});

const threads = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;

test('where the history cannot be listed', async () => {
  on = await testPlatform();
  await on.platform.close();
  const history = join(on.directory, 'history');
  rmSync(history, { recursive: true, force: true });
  // A link to itself.
  symlinkSync('history', history);
  const options = { dataDirectory: on.directory, warn: () => {} };
  for (const _ of [1, 2])
    await expect(startEmbedded(options)).rejects.toThrow(/ELOOP|too many symbolic links/);
  rmSync(history);
  await (await startEmbedded(options)).close();
});

test('where a part after the history fails: its thread ends', async () => {
  on = await testPlatform();
  await on.platform.close();
  const before = threads();
  const failing = {
    dataDirectory: on.directory,
    warn: () => {},
    auditAnchor: {
      place: 'the test',
      last: () => Promise.reject(new Error('the anchor cannot be read')),
      append: async () => {},
    },
  };
  for (const _ of [1, 2, 3])
    await expect(startEmbedded(failing)).rejects.toThrow('the anchor cannot be read');
  expect(threads()).toBe(before);
  await (await startEmbedded({ dataDirectory: on.directory, warn: () => {} })).close();
});
