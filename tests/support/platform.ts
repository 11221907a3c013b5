/** A platform of the embedded profile in this process, on a directory of its own. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditRecord } from '#domain/api/audit.ts';
import type { DatasetStatus } from '#domain/api/datasets.ts';
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

/** Resolves when every view is live and has computed all that the log has. */
export const caughtUp = async (platform: Platform): Promise<void> => {
  for (;;) {
    const { views } = await platform.operations.status();
    const errors = views.flatMap(({ error }) => error ?? []);
    if (errors.length > 0) throw new Error(errors.join('; '));
    if (views.every(({ lag, state }) => lag === 0 && state === 'live')) return;
    await sleep(2);
  }
};

/** The data set when it has ended. */
export const finished = async (
  { datasets }: Platform,
  { id }: Pick<DatasetStatus, 'id'>,
): Promise<DatasetStatus> => {
  await datasets.ended(id);
  return datasets.get(id);
};

/** All records of the audit log. */
export const auditOf = async ({ audit }: Platform): Promise<readonly AuditRecord[]> => {
  const records: AuditRecord[] = [];
  for (let after = 0; ; ) {
    const page = await audit.log({ after, limit: 1000 });
    records.push(...page.records);
    if (page.next === null) return records;
    after = page.next;
  }
};

export const replayFilled = async (platform: Platform, id: string): Promise<ReplayStatus> => {
  for (;;) {
    const status = await platform.replays.get(id);
    if (status.state !== 'filling') return status;
    await sleep(5);
  }
};
