/**
 * A real project from files to a training set: the example in `examples/nycflights` with 100,000
 * flights, as a user would run it, and every value again from pandas.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runProcess } from '#tests/support/cli.ts';
import { type Server, startServer } from '#tests/support/server.ts';
import { hasPython, pythonWithNycflights } from '#tests/support/venv.ts';

const EXAMPLE = join(import.meta.dirname, '..', '..', 'examples', 'nycflights');
const FLIGHTS = 100_000;
const ROWS = 2_000;
const FEATURES = 16;

let directory: string;
let server: Server;
let python: string;

const run = (script: string, ...args: readonly string[]): string =>
  execFileSync(python, [join(EXAMPLE, script), directory, ...args], { encoding: 'utf8' });

const millrace = async (...args: readonly string[]): Promise<string> => {
  const { status, out, err } = await runProcess(args, { MILLRACE_URL: server.url });
  expect([args[0], status, err]).toEqual([args[0], 0, expect.any(String)]);
  return out;
};

beforeAll(async () => {
  python = pythonWithNycflights();
  directory = mkdtempSync(join(tmpdir(), 'millrace-nycflights-'));
  run('prepare.py', String(FLIGHTS), String(ROWS));
  server = await startServer(join(directory, 'data'));
}, 300_000);
afterAll(async () => {
  await server?.stop();
  rmSync(directory, { recursive: true, force: true });
});

// Without Python there is nothing to compare with.
test.runIf(hasPython())(
  'every value of the training set equals the one that pandas computes',
  async () => {
    await millrace('apply', join(EXAMPLE, 'features.ts'));
    for (const [source, file, rows] of [
      ['flights', 'flights.parquet', FLIGHTS],
      ['weather', 'weather.csv', 26_115],
      ['planes', 'planes.csv', 3_322],
    ] as const) {
      const published = await millrace('publish', source, join(directory, file), '--ignore-extra');
      expect(published).toContain(`${rows} accepted, 0 duplicates, 0 rejected`);
    }
    const out = join(directory, 'set.parquet');
    await millrace('dataset', 'delay_model', '--spine', join(directory, 'spine.csv'), '--out', out);
    expect(run('check.py', out)).toContain(`${ROWS * FEATURES} values equal`);

    // The same moment online: a read of one of the set's entities, at a time of the past.
    const answer = await millrace(
      'get',
      'delay_model',
      ...['--entity', 'origin=EWR', 'dest=BUF', 'tailnum=N14916', '--request', 'hour=12'],
      ...['--at', '2013-11-26T16:59:00Z', '--json'],
    );
    expect(JSON.parse(answer)).toMatchObject({ rows: [{ origin: 'EWR', seats: 55 }] });
  },
  240_000,
);
