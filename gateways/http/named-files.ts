/**
 * Paths in a request are paths on the server's machine. With `--files-root`, they must lead below
 * that directory, for all callers. Without it, only callers on that machine may send paths.
 */
import { realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import type { FastifyRequest } from 'fastify';
import { fail } from '#domain/errors.ts';
import { requireSameMachine } from './caller.ts';

/** Symbolic links are resolved as far as the path exists, so that none leads out of the root. */
const realPath = (path: string): string => {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), basename(path));
  }
};

/** @throws MR_BODY_INVALID if the path is not absolute */
const absolutePath = (name: string, path: string): string =>
  isAbsolute(path)
    ? resolve(path)
    : fail(
        'MR_BODY_INVALID',
        `"${name}" must be an absolute path on the server's machine, not ${JSON.stringify(path)}`,
        { path },
      );

/**
 * @param name the path's field in the request
 * @throws MR_REFUSED if the caller may not name this file
 */
export const namedFile = (
  request: FastifyRequest,
  name: string,
  path: string,
  root: string | undefined,
): string => {
  if (root === undefined) {
    requireSameMachine(request, `"${name}"`);
    return absolutePath(name, path);
  }
  const absolute = absolutePath(name, path);
  const inside = realPath(resolve(root));
  if (!realPath(absolute).startsWith(inside.endsWith(sep) ? inside : inside + sep))
    fail('MR_REFUSED', `"${name}" must be a file below the directory of --files-root`, {
      parameter: name,
      path,
    });
  return absolute;
};
