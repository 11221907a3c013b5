/** A Python with pyiceberg, made once under .venv and used again. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const PINNED = ['pyiceberg[pyarrow]==0.12.0'];
const VENV = join(import.meta.dirname, '..', '..', '.venv');
const PYTHON = join(VENV, 'bin', 'python');

const works = (command: string, args: readonly string[]): boolean => {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

export const hasPython = (): boolean => works('python3', ['--version']);

/** @returns the interpreter's path */
export const pythonWithPyiceberg = (): string => {
  if (existsSync(PYTHON) && works(PYTHON, ['-c', 'import pyiceberg.table, pyarrow'])) return PYTHON;
  execFileSync('python3', ['-m', 'venv', VENV], { stdio: 'inherit' });
  execFileSync(PYTHON, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PINNED], { stdio: 'inherit' });
  return PYTHON;
};
