import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      '{domain,application,commands,projections,gateways,infra,tests,examples}/**/*.test.ts',
    ],
    exclude: ['**/node_modules/**', 'tests/stack/**'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
