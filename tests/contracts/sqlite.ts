/**
 * The embedded adapters on a directory of their own, for the contract suites and the fault tests.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TransactionalLog } from '#domain/ports/stream-task.ts';
import { streamTasks } from '#infra/embedded-engine/stream-tasks.ts';
import { hybridClock } from '#infra/shared/clock/hybrid-clock.ts';
import { type Database, openDatabase } from '#infra/sqlite/database.ts';
import { sqliteLog } from '#infra/sqlite/log.ts';

export const temporaryDirectory = (): { readonly path: string; remove(): void } => {
  const path = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
};

export interface OpenLog {
  readonly database: Database;
  readonly log: TransactionalLog;
  close(): Promise<void>;
}

export const openLog = (directory: string, now: () => number = Date.now): OpenLog => {
  const database = openDatabase(join(directory, 'millrace.db'));
  const log = sqliteLog(database, hybridClock(now), streamTasks);
  return {
    database,
    log,
    async close() {
      await log.close();
      database.close();
    },
  };
};
