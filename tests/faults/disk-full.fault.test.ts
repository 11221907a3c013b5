/**
 * The promise: on a full disk, writes are refused with MR_DISK_FULL and no acknowledged event is
 * lost; with free space, everything continues by itself. The disk is a file system of a few
 * megabytes in memory. Where this machine may not mount one, the test prints that and is skipped.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { count, entity, featureView, source } from 'millrace';
import { expect, test } from 'vitest';
import { MillraceError } from '#domain/errors.ts';
import { startEmbedded } from '#infra/profiles/embedded.ts';
import { caller, plain } from '#tests/support/platform.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-full-'));
const mounted =
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', directory]).status === 0;
if (!mounted)
  console.log('skipped: this user may not mount a small file system, so no disk can be filled');

const user = entity({ name: 'user', keys: { user: 'string' } });
const clicks = source({
  name: 'clicks',
  fields: { user: 'string', at: 'timestamp', page: 'string' },
  eventTime: 'at',
});
const seen = featureView({
  name: 'seen',
  entity: user,
  source: clicks,
  features: { clicks: count() },
});

// The reason for the skip is printed above.
test.skipIf(!mounted)(
  'a full disk refuses writes, loses nothing that was acknowledged, and recovers by itself',
  async () => {
    const data = join(directory, 'data');
    const ballast = join(directory, 'ballast');
    const open = () => startEmbedded({ dataDirectory: data, historyEveryMs: 0, warn: () => {} });
    let platform = await open();
    try {
      await platform.registry.apply(plain(user, clicks, seen), {}, caller);
      writeFileSync(ballast, Buffer.alloc(16 * 2 ** 20));
      let acknowledged = 0;
      const page = 'x'.repeat(1000);
      const send = async (): Promise<void> => {
        const events = Array.from({ length: 500 }, () => ({ user: 'u', at: Date.now(), page }));
        acknowledged += (await platform.publishing.publish({ source: 'clicks', events }, caller))
          .accepted;
      };
      let refusal: unknown = null;
      for (let i = 0; refusal === null && i < 200; i++) {
        await send().catch((error: unknown) => {
          refusal = error;
        });
      }
      expect(platform.operations.degraded()).toContain('disk-full');
      expect(refusal).toBeInstanceOf(MillraceError);
      expect(refusal).toMatchObject({ code: 'MR_DISK_FULL' });
      const counted = async (): Promise<unknown> =>
        (await platform.serving.read({ features: ['seen:clicks'], entities: [{ user: 'u' }] }))
          .values[0]?.[0];
      expect(await counted(), 'reads continue, without what was refused').toBe(acknowledged);

      rmSync(ballast);
      await send();
      // The engine first rebuilds what the refused commits had changed.
      for (let i = 0; (await counted()) !== acknowledged && i < 500; i++) await sleep(10);
      expect(await counted()).toBe(acknowledged);
      expect(platform.operations.degraded()).toEqual([]);
      await platform.close();
      platform = await open();
      expect(await counted()).toBe(acknowledged);
    } finally {
      await platform.close();
      spawnSync('umount', [directory]);
      rmSync(directory, { recursive: true, force: true });
    }
  },
);
