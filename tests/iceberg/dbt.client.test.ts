/**
 * dbt reads the file of `millrace export dbt`: it parses, and a model that selects from its sources
 * runs on DuckDB, over the tables that the catalog has.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EmbeddedParts } from '#infra/profiles/embedded.ts';
import { charge, founder, type Guarded, guarded } from '#tests/access/support/fixture.ts';
import { runInProcess } from '#tests/support/cli.ts';
import { hasPython, pythonWithDbt } from '#tests/support/venv.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 1);

/** As DuckDB names the types of the file. */
const DUCKDB: Readonly<Record<string, string>> = {
  varchar: 'VARCHAR',
  integer: 'INTEGER',
  bigint: 'BIGINT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  'timestamp(6) with time zone': 'TIMESTAMP WITH TIME ZONE',
};

const MODELS = {
  'events.sql': `SELECT card, count(*) AS charges FROM {{ source('raw', 'charges') }} GROUP BY card`,
  'newest.sql': `SELECT key_card, charges, spent FROM {{ source('rollup', 'spending_v1_day') }}
WHERE replaced_at IS NULL QUALIFY period_end = max(period_end) OVER (PARTITION BY key_card)`,
};

const python = hasPython();
if (!python) console.warn('dbt is not tested: this machine has no python3');

describe.skipIf(!python)('dbt', () => {
  let on: Guarded;
  let key: string;
  let project: string;
  let sources: string;
  let lake: string;

  const dbt = async (...args: readonly string[]): Promise<string> => {
    const command = join(dirname(pythonWithDbt()), 'dbt');
    const { stdout } = await promisify(execFile)(
      command,
      ['--no-use-colors', '--no-send-anonymous-usage-stats', ...args, '--profiles-dir', project],
      { cwd: project },
    );
    return stdout;
  };
  const write = (name: string, text: string): void => {
    const file = join(project, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  };

  beforeAll(async () => {
    let parts: EmbeddedParts | undefined;
    on = await guarded({}, undefined, {
      onParts: (opened) => {
        parts = opened;
      },
    });
    const made = await on.key(['operator@payments', 'reader@payments']);
    key = made.header.replace('Bearer ', '');
    const events = [0, 1, 2].map((n) => ({ ...charge(`c${n}`, n + 1), at: START + n * DAY }));
    await on.platform.publishing.publish({ source: 'charges', events }, founder);
    await parts?.history.sync('raw.charges');
    await on.platform.datasets.rollup({ view: 'spending', every: 'day' }, founder);

    project = join(on.test.files, 'project');
    lake = join(on.test.files, 'lake.duckdb');
    sources = join(project, 'models', 'sources.yml');
    write('dbt_project.yml', 'name: charges\nversion: "1.0"\nprofile: charges\n');
    write(
      'profiles.yml',
      `charges:\n  target: test\n  outputs:\n    test:\n      type: duckdb\n      path: ${JSON.stringify(lake)}\n      threads: 1\n`,
    );
    for (const [name, sql] of Object.entries(MODELS)) write(join('models', name), sql);
    const exported = await runInProcess(
      ['export', 'dbt', '--database', 'lake', '--out', sources, '--url', on.http.url],
      { MILLRACE_API_KEY: key },
    );
    expect(exported).toMatchObject({ status: 0 });
  }, 600_000);
  afterAll(() => on?.dispose());

  test('parses the file, and lists its tables', async () => {
    await dbt('parse');
    const listed = (await dbt('--quiet', 'ls', '--resource-type', 'source')).trim().split('\n');
    expect(listed.sort()).toEqual([
      'source:charges.raw.charges',
      'source:charges.rollup.spending_v1_day',
    ]);
  }, 300_000);

  test('runs models over its tables, whose columns have the types of the file', async () => {
    const { stdout } = await promisify(execFile)(pythonWithDbt(), [
      join(import.meta.dirname, 'dbt_tables.py'),
      `${on.http.url}/iceberg`,
      key,
      lake,
      sources,
    ]);
    const copied = JSON.parse(stdout) as Record<string, [string, string, string][]>;
    expect(Object.keys(copied).sort()).toEqual(['raw.charges', 'rollup.spending_v1_day']);
    for (const columns of Object.values(copied))
      for (const [name, type, declared] of columns)
        expect([name, DUCKDB[declared] ?? declared]).toEqual([name, type]);

    expect(await dbt('run')).toMatch(/PASS=2 WARN=0 ERROR=0/);
    const manifest = JSON.parse(readFileSync(join(project, 'target', 'manifest.json'), 'utf8')) as {
      readonly sources: Record<string, { readonly loaded_at_field: string }>;
    };
    expect(
      Object.values(manifest.sources)
        .map((one) => one.loaded_at_field)
        .sort(),
    ).toEqual(['_log_time', 'written_at']);
    const shown = await dbt('--quiet', 'show', '--select', 'newest', '--output', 'json');
    // The event at the end of the newest final period is not in it.
    const { show } = JSON.parse(shown) as { readonly show: readonly object[] };
    expect(show).toEqual([expect.objectContaining({ charges: 2, spent: 3 })]);
  }, 300_000);
});
