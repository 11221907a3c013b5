/** Presto itself, on tables that the embedded profile wrote; with MILLRACE_TEST_ENGINES=all. */
import { describe } from 'vitest';
import { freePort } from '#tests/support/free-port.ts';
import { startPresto } from './support/presto-server.ts';
import { engineSuite } from './support/suite.ts';

const all = process.env.MILLRACE_TEST_ENGINES === 'all';
if (!all) console.warn('Presto is run with MILLRACE_TEST_ENGINES=all');

describe.runIf(all)('Presto', () => {
  engineSuite({
    engine: 'presto',
    title: 'Presto',
    url: (port) => `http://127.0.0.1:${port}`,
    start: startPresto,
    freePort,
    timeoutMs: 900_000,
  });
});
