import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/stack/**/*.test.ts'],
    globalSetup: ['tests/stack/support/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 600_000,
  },
});
