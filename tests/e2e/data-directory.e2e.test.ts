/**
 * A data directory belongs to one process at a time, and is not opened by an older Millrace than
 * the one that wrote it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startEmbedded } from '#infra/profiles/embedded.ts';
import { testPlatform } from '#tests/support/platform.ts';
import { startServer } from '#tests/support/server.ts';

test('a second process is refused, with the process that holds the directory', async () => {
  const held = await testPlatform();
  try {
    await expect(startServer(held.directory)).rejects.toThrow(
      new RegExp(`MR_DATA_DIR_LOCKED.*process ${process.pid}`, 's'),
    );
  } finally {
    await held.dispose();
  }
});

test('a directory that a newer version wrote is left unchanged', async () => {
  const written = await testPlatform();
  await written.platform.close();
  writeFileSync(join(written.directory, 'format.json'), '{"format":99}\n');
  await expect(startEmbedded({ dataDirectory: written.directory })).rejects.toMatchObject({
    code: 'MR_DATA_DIR_NEWER',
    message: expect.stringContaining('99'),
  });
  await written.dispose();
});
