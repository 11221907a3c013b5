/** What the guide and the example show, run as a user would: against `millrace serve`. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProcess } from '#tests/support/cli.ts';
import { type Server, startServer } from '#tests/support/server.ts';
import { hasPython } from '#tests/support/venv.ts';
import { type InstalledWheel, installWheel } from './wheel.ts';

const ROOT = join(import.meta.dirname, '..', '..');

const python = hasPython();
if (!python) console.warn('notebooks are not tested: this machine has no python3');

describe.skipIf(!python)('with the definitions of the flights', () => {
  let wheel: InstalledWheel;
  let directory: string;
  let server: Server | null = null;

  beforeAll(() => {
    wheel = installWheel();
  }, 600_000);
  afterAll(() => wheel?.dispose());

  /** A platform of its own for each test: both publish the same flights. */
  const onPlatform = async (work: (url: string) => Promise<void>): Promise<void> => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-notebooks-'));
    try {
      server = await startServer(join(directory, 'data'));
      const { status, err } = await runProcess(
        ['apply', join(ROOT, 'examples', 'flights', 'features.ts')],
        { MILLRACE_URL: server.url },
      );
      expect(status, err).toBe(0);
      await work(server.url);
    } finally {
      await server?.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  };
  const run = async (script: string, file: string, env: NodeJS.ProcessEnv): Promise<unknown> => {
    const { stdout } = await promisify(execFile)(
      wheel.python,
      [join(import.meta.dirname, script), join(ROOT, file)],
      { cwd: ROOT, env: { ...wheel.env, ...env } },
    );
    return JSON.parse(stdout);
  };

  test(
    'every Python block of the guide runs',
    () =>
      onPlatform(async (url) => {
        expect(
          await run('run_guide.py', 'docs/guides/notebooks.md', { MILLRACE_URL: url }),
        ).toMatchObject({
          blocks: 9,
          accepted: 20_000,
          rows: 1_000,
          online: [expect.any(Number), expect.any(Number)],
          matches: true,
          named: ['delay_v1@1', 1_000],
        });
      }),
    120_000,
  );

  test(
    'the notebook trains a model, scores online and finds no skew',
    () =>
      onPlatform(async (url) => {
        const found = (await run('run_notebook.py', 'examples/flights/notebook.ipynb', {
          MILLRACE_URL: url,
          MILLRACE_FLIGHTS: '60000',
        })) as { readonly auc: number };
        expect(found).toMatchObject({
          rows: 4_000,
          compared: 300 * 12,
          dataset: 'delay_notebook@1',
          stored: 0,
        });
        expect(found.auc).toBeGreaterThan(0.6);
      }),
    180_000,
  );
});
