/** A platform of the embedded profile in this process, on a directory of its own. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Platform } from '#domain/api/platform.ts';
import type { ReplayStatus } from '#domain/api/replays.ts';
import type { Definition } from '#domain/definitions/model.ts';
import type { EmbeddedOptions } from '#infra/profiles/embedded.ts';
import { startErasable } from '#infra/profiles/embedded-erasable.ts';

export const caller = { actor: 'test' };

/** Definitions as they are parsed from JSON. */
export const plain = (...definitions: readonly Definition[]): readonly Definition[] =>
  JSON.parse(JSON.stringify(definitions)) as Definition[];

export interface TestPlatform {
  /** the data directory */
  readonly directory: string;
  /** a directory for files of the test */
  readonly files: string;
  readonly platform: Platform;
  /** Closes the platform and opens it again on the same directory. */
  readonly restart: () => Promise<Platform>;
  readonly dispose: () => Promise<void>;
}

export const testPlatform = async (
  options: Partial<EmbeddedOptions> = {},
): Promise<TestPlatform> => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  const files = mkdtempSync(join(tmpdir(), 'millrace-test-files-'));
  const open = (): Promise<Platform> =>
    startErasable({ dataDirectory: directory, historyEveryMs: 0, warn: () => {}, ...options });
  let platform = await open();
  return {
    directory,
    files,
    get platform() {
      return platform;
    },
    async restart() {
      await platform.close();
      platform = await open();
      return platform;
    },
    async dispose() {
      await platform.close();
      for (const path of [directory, files]) rmSync(path, { recursive: true, force: true });
    },
  };
};

export const replayFilled = async (platform: Platform, id: string): Promise<ReplayStatus> => {
  for (;;) {
    const status = await platform.replays.get(id);
    if (status.state !== 'filling') return status;
    await sleep(5);
  }
};
