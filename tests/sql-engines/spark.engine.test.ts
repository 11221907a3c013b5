/** Spark itself, on tables that the embedded profile wrote; with MILLRACE_TEST_ENGINES=all. */
import { describe } from 'vitest';
import { freePort } from '#tests/support/free-port.ts';
import { startSpark } from './support/spark-connect.ts';
import { engineSuite } from './support/suite.ts';

const all = process.env.MILLRACE_TEST_ENGINES === 'all';
if (!all) console.warn('Spark is run with MILLRACE_TEST_ENGINES=all');

describe.runIf(all)('Spark', () => {
  engineSuite({
    engine: 'spark',
    title: 'Spark',
    url: (port) => `sc://127.0.0.1:${port}`,
    start: startSpark,
    freePort,
    lacks: { memory: ' (Spark has no such limit for a statement)' },
    timeoutMs: 900_000,
  });
});
