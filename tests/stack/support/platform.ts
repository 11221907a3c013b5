/** A platform of the stack profile on the running servers, in this process. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import type { PlatformStatus } from '#domain/api/operations.ts';
import type { Platform } from '#domain/api/platform.ts';
import { startStack } from '#infra/profiles/stack.ts';
import type { StackOptions } from '#infra/profiles/stack-profile-options.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';
import { addresses } from './addresses.ts';
import { takeOverStores } from './take-over-stores.ts';
import { until } from './until.ts';

export { until } from './until.ts';

export const caller = { actor: 'test' };

export interface StackPlatform {
  readonly platform: Platform;
  readonly warnings: readonly string[];
  readonly dispose: () => Promise<void>;
}

/** A registry for each test file: the jobs of earlier files are then unknown and stopped. */
let registry: Promise<string> | null = null;
const makeRegistry = async (): Promise<string> => {
  const name = `tests_${process.pid}_${Date.now()}`;
  const connection = await mysql.createConnection(addresses().mysql);
  await connection.query(`CREATE DATABASE ${name}`);
  await connection.end();
  await takeOverStores(name);
  return name;
};

export const stackAddressesOfTest = async (): Promise<StackAddresses> => {
  registry ??= makeRegistry();
  const all = addresses();
  return { ...all, mysql: { ...all.mysql, database: await registry } };
};

/** Tests wait for the history more often than users do. */
const ARCHIVE_MS = 1_000;

const START_MS = 240_000;

/** Resolves when the jobs of all views run: the deadlines of tests begin then. */
export const jobsRun = (platform: Platform): Promise<void> =>
  until(
    'the jobs of all views run',
    async () =>
      (await platform.operations.status()).views.every(
        ({ state, job }) => state === 'live' || job?.state === 'RUNNING',
      ),
    START_MS,
  );

/** An apply that resolves only when the jobs run; the platform's own does not wait for them. */
const waiting = (platform: Platform): Platform => ({
  ...platform,
  registry: {
    ...platform.registry,
    async apply(...request) {
      const result = await platform.registry.apply(...request);
      await jobsRun(platform);
      return result;
    },
  },
});

/** @param more.waits whether `apply` waits for the jobs; default true */
export const stackPlatform = async (
  options: Partial<StackOptions> = {},
  { waits = true }: { readonly waits?: boolean } = {},
): Promise<StackPlatform> => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'millrace-gateway-'));
  const warnings: string[] = [];
  const platform = await startStack({
    addresses: options.addresses ?? (await stackAddressesOfTest()),
    dataDirectory,
    warn: (message) => void warnings.push(message),
    ...options,
    settings: { archiveEveryMs: ARCHIVE_MS, ...options.settings },
  });
  return {
    platform: waits ? waiting(platform) : platform,
    warnings,
    async dispose() {
      await platform.close();
      rmSync(dataDirectory, { recursive: true, force: true });
    },
  };
};

/**
 * Resolves when Flink has computed everything published, and reads are answered from it. Reads do
 * not show that, because raw events answer where tiles cannot.
 * @param status of the platform, from any gateway
 */
export const computed = (view: string, status: () => Promise<PlatformStatus>): Promise<void> =>
  until(`${view} is computed`, async () => {
    const { sources, views } = await status();
    const mine = views.find((one) => one.view === view);
    if (mine?.job?.state !== 'RUNNING' || mine.lag > 0 || !mine.position.includes(':'))
      return false;
    return sources.some(({ position }) => position === mine.position);
  });

let counted = 0;
/** A name that no other test of this run has. */
export const uniqueName = (prefix: string): string =>
  `${prefix}_${process.pid.toString(36)}_${(counted++).toString(36)}_${Date.now().toString(36)}`;
