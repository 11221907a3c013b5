/** The Python package as users get it: built as a wheel, and installed from it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pythonWithMillrace } from '#tests/support/venv.ts';

const SOURCES = join(import.meta.dirname, '..', '..', 'python');

export interface InstalledWheel {
  /** the interpreter */
  readonly python: string;
  /** the file of the wheel */
  readonly wheel: string;
  /** the directory that the package was installed to */
  readonly directory: string;
  /** with which the interpreter imports it */
  readonly env: NodeJS.ProcessEnv;
  readonly dispose: () => void;
}

/** In a directory of its own, so that other runs of tests with the same Python do not see it. */
export const installWheel = (): InstalledWheel => {
  const python = pythonWithMillrace();
  const work = mkdtempSync(join(tmpdir(), 'millrace-wheel-'));
  const pip = (...args: readonly string[]): void => {
    execFileSync(python, ['-m', 'pip', '--quiet', '--disable-pip-version-check', ...args], {
      stdio: 'inherit',
    });
  };
  pip('wheel', '--no-deps', '--no-build-isolation', '--wheel-dir', work, SOURCES);
  const [name = ''] = readdirSync(work).filter((file) => file.endsWith('.whl'));
  const wheel = join(work, name);
  const directory = join(work, 'installed');
  pip('install', '--no-deps', '--no-index', '--target', directory, wheel);
  return {
    python,
    wheel,
    directory,
    env: { ...process.env, PYTHONPATH: directory, PYTHONDONTWRITEBYTECODE: '1' },
    dispose: () => rmSync(work, { recursive: true, force: true }),
  };
};
