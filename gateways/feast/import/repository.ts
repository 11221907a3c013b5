/**
 * Finds the registry of a Feast repository in its `feature_store.yaml`, in which environment
 * variables are replaced as in Feast. If the registry is not a file on this machine, the refusal
 * says how to get one.
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { fail } from '#domain/errors.ts';

export interface RegistryPlace {
  readonly kind: 'file' | 'sqlite';
  readonly path: string;
  /** null: the only project of the registry */
  readonly project: string | null;
}

const CONFIG = 'feature_store.yaml';

/** This command works with every registry that Feast can open. */
const TO_FILE =
  "write it to a file on a machine with Feast, python -c \"from feast import FeatureStore; open('registry.db', 'wb').write(FeatureStore('.').registry.proto().SerializeToString())\", and import that file";

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const expand = (text: string): string =>
  text.replace(
    /\$(?:\{(\w+)\}|(\w+))/g,
    (all, braced?: string, bare?: string) => process.env[braced ?? bare ?? ''] ?? all,
  );

const kindOf = (path: string): 'directory' | 'file' | null => {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? null : stat.isDirectory() ? 'directory' : 'file';
};

const readConfig = (file: string): Readonly<Record<string, unknown>> => {
  let config: unknown;
  try {
    config = parse(expand(readFileSync(file, 'utf8')));
  } catch (error) {
    return fail('MR_FILE_INVALID', `${file} cannot be read: ${(error as Error).message}`, { file });
  }
  return isObject(config)
    ? config
    : fail('MR_FILE_INVALID', `${file} is not a mapping, as feature_store.yaml must be`, { file });
};

const existing = (place: RegistryPlace, file: string): RegistryPlace =>
  kindOf(place.path) === 'file'
    ? place
    : fail(
        'MR_FILE_INVALID',
        `${file} names the registry ${place.path}, which does not exist: run feast apply first`,
        {
          file: place.path,
        },
      );

const placeOf = (file: string): RegistryPlace => {
  const { registry, project } = readConfig(file);
  const name = typeof project === 'string' ? project : null;
  const type =
    isObject(registry) && typeof registry.registry_type === 'string'
      ? registry.registry_type
      : 'file';
  const path = isObject(registry) ? registry.path : registry;
  if (type !== 'file' && type !== 'sql')
    return fail(
      'MR_FILE_INVALID',
      `${file}: a registry of type ${type} cannot be read: ${TO_FILE}`,
      { file, type },
    );
  if (typeof path !== 'string' || path === '')
    return fail(
      'MR_FILE_INVALID',
      `${file} names no registry: it needs "registry" or "registry.path"`,
      { file },
    );
  const from = dirname(file);
  if (type === 'file') {
    const scheme = /^([a-z0-9]+):\/\//i.exec(path)?.[1];
    if (scheme !== undefined && scheme !== 'file')
      return fail(
        'MR_FILE_INVALID',
        `${file}: the registry ${path} is not on this machine: copy it here and import the copy`,
        {
          file,
          path,
        },
      );
    return existing(
      { kind: 'file', path: resolve(from, path.replace(/^file:\/\//, '')), project: name },
      file,
    );
  }
  const sqlite = /^sqlite(?:\+\w+)?:\/\/\/([^?]+)/.exec(path)?.[1];
  if (sqlite === undefined) {
    const database = /^(\w+)/.exec(path)?.[1] ?? 'unknown';
    return fail(
      'MR_FILE_INVALID',
      `${file}: of databases, only SQLite can be read, not ${database}: ${TO_FILE}`,
      {
        file,
      },
    );
  }
  return existing({ kind: 'sqlite', path: resolve(from, sqlite), project: name }, file);
};

const SQLITE = 'SQLite format 3\0';

/** @param repository folder of a Feast repository, its feature_store.yaml, or a registry file */
export const findRegistry = (repository: string): RegistryPlace => {
  const path = resolve(repository);
  const kind = kindOf(path);
  if (kind === null)
    return fail(
      'MR_FILE_INVALID',
      `${path} does not exist: give the folder of a Feast repository`,
      {
        file: path,
      },
    );
  if (kind === 'directory') {
    const file = join(path, CONFIG);
    if (kindOf(file) === 'file') return placeOf(file);
    const inner = join(path, 'feature_repo', CONFIG);
    const hint =
      kindOf(inner) === 'file'
        ? `: did you mean ${dirname(inner)}?`
        : ": name a Feast repository's folder";
    return fail('MR_FILE_INVALID', `${path} has no ${CONFIG}${hint}`, { file: path });
  }
  if (/\.ya?ml$/.test(path)) return placeOf(path);
  const head = readFileSync(path).subarray(0, SQLITE.length).toString('latin1');
  return { kind: head === SQLITE ? 'sqlite' : 'file', path, project: null };
};
