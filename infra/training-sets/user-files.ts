/**
 * Files that callers name. An output is a new regular file, unless the caller asks to replace one;
 * neither an output nor a spine is in the platform's own directory, by whatever name: a symbolic
 * link counts as what it points to.
 */
import { lstatSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { fail } from '#domain/errors.ts';

const isInside = (directory: string, path: string): boolean =>
  path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep);

/** The path with all symbolic links resolved, as far as it exists. */
export const realPath = (path: string): string => {
  const absolute = resolve(path);
  try {
    return realpathSync(absolute);
  } catch {
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(realPath(parent), basename(absolute));
  }
};

/** @throws MR_REFUSED if the path leads into one of the directories */
const requireOutside = (what: string, path: string, directories: readonly string[]): void => {
  const real = realPath(path);
  for (const directory of directories)
    if (isInside(realPath(directory), real))
      fail(
        'MR_REFUSED',
        `${what} "${path}" is in the platform's own directory ${directory}: name a file elsewhere`,
        { path },
      );
};

/** @throws MR_REFUSED if the file exists and must not be replaced, or is no file to be replaced */
export const checkOutput = (
  path: string,
  overwrite: boolean,
  forbidden: readonly string[],
): string => {
  const absolute = resolve(path);
  requireOutside('the output', absolute, forbidden);
  const found = lstatSync(absolute, { throwIfNoEntry: false });
  if (found === undefined) return absolute;
  if (!found.isFile())
    fail('MR_REFUSED', `the output "${absolute}" exists and is not a regular file`, {
      path: absolute,
    });
  if (!overwrite) outputExists(absolute);
  return absolute;
};

export const outputExists = (path: string): never =>
  fail(
    'MR_REFUSED',
    `the output "${path}" exists: name another file, or ask for it with --overwrite ("overwrite": true)`,
    { path },
  );

export const checkSpineFile = (path: string, forbidden: readonly string[]): void =>
  requireOutside('the spine', path, forbidden);
