/** The files of the repository, for the tests that read them. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Directories that are not part of the repository. */
export const SKIPPED: ReadonlySet<string> = new Set([
  'node_modules',
  '.tools',
  '.venv',
  '.venv-feast',
  '.venv-openlineage',
  '.venv-grpc',
  '.venv-nycflights',
  '.venv-mlflow',
  '.venv-millrace',
  '.venv-dialects',
  '.venv-dbt',
  '.git',
  'data',
  'coverage',
  '.millrace',
  'target',
  '__pycache__',
]);

const walk = (directory: string): string[] =>
  readdirSync(directory).flatMap((name) => {
    if (SKIPPED.has(name)) return [];
    const path = join(directory, name);
    return statSync(path).isDirectory() ? walk(path) : [relative(root, path)];
  });

/** All files, relative to the root. */
export const files: readonly string[] = walk(root);
export const code: readonly string[] = files.filter((file) => /\.(ts|mjs)$/.test(file));
export const pages: readonly string[] = files.filter((file) => file.endsWith('.md'));

export const read = (file: string): string => readFileSync(join(root, file), 'utf8');

export const isTest = (file: string): boolean =>
  file.startsWith('tests/') || /\.test\.ts$/.test(file) || file.startsWith('bench/');

/** Lines of `list` that match, as "file:line text". */
export const found = (list: readonly string[], pattern: RegExp): string[] =>
  list.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, i) =>
        pattern.test(line) ? [`${file}:${i + 1} ${line.trim().slice(0, 100)}`] : [],
      ),
  );
