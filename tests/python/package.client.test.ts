/**
 * The Python package, installed from its wheel, against a gateway that authenticates by keys. What
 * it promises is in python/tests, which pytest runs here; mypy checks the package and these tests.
 */
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Guarded, guarded } from '#tests/access/support/fixture.ts';
import { hasPython } from '#tests/support/venv.ts';
import { DEFINITIONS } from './definitions.ts';
import { type InstalledWheel, installWheel } from './wheel.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PACKAGE = join(ROOT, 'python');

/** What each key of the tests may do. */
const GRANTS = {
  MILLRACE_API_KEY: ['reader@default', 'producer@default', 'operator@default', 'auditor@default'],
  READER_KEY: ['reader@default'],
  OTHER_KEY: ['reader@default', 'producer@default', 'operator@*'],
};

const python = hasPython();
if (!python) console.warn('the Python package is not tested: this machine has no python3');

describe.skipIf(!python)('the Python package', () => {
  let wheel: InstalledWheel;
  let on: Guarded;

  /** @returns what was written, also where it failed */
  const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> =>
    promisify(execFile)(wheel.python, args, {
      cwd: PACKAGE,
      env: { ...wheel.env, ...env },
      maxBuffer: 16 * 1024 * 1024,
    }).then(
      ({ stdout }) => stdout,
      (error: { stdout?: string; stderr?: string }) =>
        `FAILED\n${error.stdout ?? ''}${error.stderr ?? ''}`,
    );

  beforeAll(async () => {
    wheel = installWheel();
    on = await guarded({}, DEFINITIONS);
  }, 600_000);
  afterAll(async () => {
    await on?.dispose();
    wheel?.dispose();
  });

  test('the wheel has the modules, the mark of types, and the version of the npm package', () => {
    const list = 'import sys, zipfile; print("\\n".join(zipfile.ZipFile(sys.argv[1]).namelist()))';
    const names = execFileSync(wheel.python, ['-c', list, wheel.wheel], { encoding: 'utf8' })
      .trim()
      .split('\n');
    expect(names).toContain('millrace/py.typed');
    expect(names.filter((name) => !/^millrace(-[\d.]+\.dist-info)?\//.test(name))).toEqual([]);
    expect(names.filter((name) => /test/.test(name))).toEqual([]);
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      readonly version: string;
    };
    const versions =
      'import millrace; from importlib.metadata import version; print(millrace.__version__, version("millrace"))';
    expect(
      execFileSync(wheel.python, ['-c', versions], { encoding: 'utf8', env: wheel.env }).trim(),
    ).toBe(`${version} ${version}`);
  });

  test('pandas and polars are optional', async () => {
    const without = `
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in ("pandas", "polars"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
import millrace
with millrace.connect(sys.argv[1]) as m:
    print(m.read("totals", [{"shop": "nobody", "branch": 1}]).to_pylist())`;
    const { header } = await on.key(['reader@default']);
    expect(
      await run(['-c', without, on.http.url], { MILLRACE_API_KEY: header.replace('Bearer ', '') }),
    ).toBe("[{'shop': 'nobody', 'branch': 1, 'sold': 0, 'income': None}]\n");
  });

  test('its own tests, run by pytest', async () => {
    const keys = await Promise.all(
      Object.entries(GRANTS).map(async ([name, grants]) => [
        name,
        (await on.key(grants)).header.replace('Bearer ', ''),
      ]),
    );
    const output = await run(['-m', 'pytest', '-q', '--tb=short'], {
      MILLRACE_URL: on.http.url,
      ...Object.fromEntries(keys),
    });
    expect(output).not.toContain('FAILED\n');
    expect(Number(/(\d+) passed/.exec(output)?.[1])).toBeGreaterThan(60);
    expect(output).not.toMatch(/\d+ (failed|error|skipped)/);
  }, 300_000);

  test('mypy finds nothing in the package and its tests, in strict mode', async () => {
    expect(await run(['-m', 'mypy', '--cache-dir', join(wheel.directory, '.mypy')])).toMatch(
      /^Success: no issues found in \d\d source files/,
    );
  }, 300_000);
});
