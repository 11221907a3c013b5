/** Runs the drill of docs/guides/recovery.md as it is written, except for the second port. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runProcess } from '#tests/support/cli.ts';
import { drillOf, runDrill } from '#tests/support/drill.ts';
import { freePort } from '#tests/support/free-port.ts';
import { startServer } from '#tests/support/server.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

const inDirectory = async (
  run: (directory: string, server: Awaited<ReturnType<typeof startServer>>) => Promise<void>,
): Promise<void> => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-drill-'));
  const server = await startServer(join(directory, 'data'));
  try {
    const env = { MILLRACE_URL: server.url };
    const applied = await runProcess(['apply', join(root, 'examples/flights/features.ts')], env);
    expect(applied.status, applied.err).toBe(0);
    const flights = Array.from({ length: 50 }, (_, i) =>
      JSON.stringify({
        date: new Date(Date.now() - i * 1_000).toISOString(),
        origin: 'ATL',
        destination: 'LAX',
        delay: i,
        distance: 1946,
      }),
    );
    writeFileSync(join(directory, 'flights.ndjson'), flights.join('\n'));
    await run(directory, server);
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
};

test('the drill ends with status 0, and its files have values', { timeout: 120_000 }, () =>
  inDirectory(async (directory, { url }) => {
    const port = String(await freePort());
    const env = { MILLRACE_URL: url };
    const script = drillOf('recovery').replaceAll('7412', port);
    const { code, out } = await runDrill(script, directory, env);
    expect(code, out).toBe(0);
    expect(readFileSync(join(directory, 'restored.txt'), 'utf8')).toMatch(/ATL +50 /);
    expect(readFileSync(join(directory, 'registry-restored.json'), 'utf8')).toContain('flights');
  }),
);

test(
  'the erasure drill ends with status 0, and its certificate has counts',
  {
    timeout: 120_000,
  },
  () =>
    inDirectory(async (directory, server) => {
      const flights = join(directory, 'flights.ndjson');
      const published = await runProcess(['publish', 'flights', flights], {
        MILLRACE_URL: server.url,
      });
      expect(published.status, published.err).toBe(0);
      await server.stop();
      const { code, out } = await runDrill(drillOf('recovery', 'erasure drill'), directory);
      expect(code, out).toBe(0);
      const { certificate } = JSON.parse(readFileSync(join(directory, 'erased.json'), 'utf8'));
      expect(certificate.removed.records).toMatchObject({ 'raw.flights': 50 });
    }),
);
