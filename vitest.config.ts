/**
 * The suites of tests. A file's name says which suite it is in. `vitest run` runs the first;
 * `--mode NAME` chooses another. `npm test` and `npm run test:NAME` set the mode.
 */
import { defineConfig } from 'vitest/config';

interface Suite {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

const folders =
  '{domain,application,commands,projections,gateways,infra,client,tests,examples,scripts}/**';
const onServers = 'tests/stack/**';

export const SUITES = {
  /** In this process and on this machine alone: nothing is fetched but the dependencies. */
  test: {
    include: [`${folders}/*.test.ts`],
    exclude: [onServers, `${folders}/*.{slow,client,engine,fault}.test.ts`],
  },
  /** As the first; each file takes many seconds. */
  slow: { include: [`${folders}/*.slow.test.ts`], exclude: [onServers] },
  /** Clients that others wrote, fetched from PyPI, against Millrace. */
  clients: { include: [`${folders}/*.client.test.ts`], exclude: [onServers] },
  /** SQL for engines that others wrote, run on them. */
  engines: { include: [`${folders}/*.engine.test.ts`], exclude: [onServers] },
  /** Killed processes, full disks, hostile input. */
  faults: { include: [`${folders}/*.fault.test.ts`], exclude: [onServers] },
  /** On the servers of the stack profile. */
  stack: { include: [`${onServers}/*.test.ts`], exclude: [] },
} satisfies Readonly<Record<string, Suite>>;

/**
 * They take minutes, and a busy machine makes them slower: the limit only ends a test that hangs.
 */
const faultsOptions = { testTimeout: 900_000, hookTimeout: 900_000 };

/** One after the other: the tests share the servers. */
const stackOptions = {
  globalSetup: ['tests/stack/support/global-setup.ts'],
  maxWorkers: 1,
  fileParallelism: false,
  testTimeout: 300_000,
  hookTimeout: 600_000,
};

export default defineConfig(({ mode }) => {
  const { include, exclude }: Suite = SUITES[mode as keyof typeof SUITES];
  return {
    test: {
      pool: 'forks',
      maxWorkers: 2,
      testTimeout: 60_000,
      hookTimeout: 60_000,
      ...(mode === 'stack' ? stackOptions : mode === 'faults' ? faultsOptions : {}),
      include: [...include],
      exclude: ['**/node_modules/**', ...exclude],
      setupFiles: ['tests/support/law-seed.ts'],
      env: { NODE_ENV: 'test' },
    },
  };
});
