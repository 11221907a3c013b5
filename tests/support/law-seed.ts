/**
 * Laws draw the same input in each run, so that a run says something about the change and not about
 * luck. `MILLRACE_SEED=N` draws other input, `MILLRACE_SEED=random` input of each run's own; a law
 * that fails prints its seed.
 */
import { expect } from 'vitest';

const { MILLRACE_SEED: seed = '20261130' } = process.env;

// Only laws load fast-check: it would cost every other file a tenth of a second.
if (seed !== 'random' && /\.law\.test\.ts$/.test(expect.getState().testPath ?? '')) {
  const { default: fc } = await import('fast-check');
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
}
