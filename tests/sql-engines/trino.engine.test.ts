/** Trino itself, on tables that the embedded profile wrote; with MILLRACE_TEST_ENGINES=all. */
import { describe } from 'vitest';
import { freePort } from '#tests/support/free-port.ts';
import { startTrino } from './support/presto-server.ts';
import { engineSuite } from './support/suite.ts';

const all = process.env.MILLRACE_TEST_ENGINES === 'all';
if (!all) console.warn('Trino is run with MILLRACE_TEST_ENGINES=all');

describe.runIf(all)('Trino', () => {
  engineSuite({
    engine: 'trino',
    title: 'Trino',
    url: (port) => `http://127.0.0.1:${port}`,
    start: startTrino,
    freePort,
    timeoutMs: 900_000,
  });
});
