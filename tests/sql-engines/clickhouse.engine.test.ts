/** ClickHouse, as chdb has it, on tables that the embedded profile wrote. */
import { describe } from 'vitest';
import { freePort } from '#tests/support/free-port.ts';
import { hasPython } from '#tests/support/venv.ts';
import { startClickHouse } from './support/clickhouse-server.ts';
import { engineSuite } from './support/suite.ts';

const python = hasPython();
if (!python) console.warn('ClickHouse is not run: this machine has no python3');

describe.skipIf(!python)('ClickHouse', () => {
  engineSuite({
    engine: 'clickhouse',
    title: 'ClickHouse',
    url: (port) => `http://127.0.0.1:${port}`,
    start: startClickHouse,
    freePort,
    user: 'default',
    timeoutMs: 300_000,
  });
});
