/**
 * Reads definitions from TypeScript or JavaScript modules (their exports) and from JSON files (one
 * definition or a list). In these modules `millrace` resolves to this installation, wherever the
 * file is. Errors have the name of the file.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { registerHooks } from 'node:module';
import { extname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Definition, Kind } from '#domain/definitions/model.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import { canonical } from '#domain/expressions/canonical.ts';
import { KINDS } from '#domain/registry/events.ts';

const ENTRY = new URL('../../domain/definitions/index.ts', import.meta.url).href;
const FORMATS: Readonly<Record<string, string>> = { '.ts': 'module-typescript', '.js': 'module' };

let hooked = false;
const hook = (): void => {
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === 'millrace') return { url: ENTRY, shortCircuit: true };
      const resolved = next(specifier, context);
      const format = FORMATS[extname(resolved.url.split('?')[0] as string)];
      // Without a package.json above the file, its format is unknown: definitions are modules.
      if (format === undefined || (resolved.format !== null && resolved.format !== undefined))
        return resolved;
      return { ...resolved, format };
    },
  });
};

const isDefinition = (value: unknown): value is Definition =>
  typeof value === 'object' &&
  value !== null &&
  'kind' in value &&
  'name' in value &&
  KINDS.includes(value.kind as Kind);

/** The first file and line of the error's stack. For a syntax error, that is its first line. */
const placeOf = (error: Error): string | null => {
  const match = /(file:\/\/\/[^\s):]+|\/[^\s():]+):(\d+)/.exec(error.stack ?? '');
  if (match === null) return null;
  const [, where, line] = match as unknown as [string, string, string];
  return `${where.startsWith('file:') ? fileURLToPath(where) : where}:${line}`;
};

const importFile = async (file: string): Promise<unknown[]> => {
  hook();
  try {
    return Object.values((await import(pathToFileURL(file).href)) as object);
  } catch (error) {
    if (error instanceof MillraceError)
      throw new MillraceError(error.code, `${file}: ${error.message}`, { ...error.details, file });
    if (!(error instanceof Error))
      return fail('MR_FILE_INVALID', `${file}: ${String(error)}`, { file });
    const place = placeOf(error);
    const at =
      place === null || place === file
        ? file
        : place.startsWith(`${file}:`)
          ? place
          : `${file} (at ${place})`;
    const kind = error.name === 'SyntaxError' ? 'does not parse or import' : 'failed';
    return fail('MR_FILE_INVALID', `${at} ${kind}: ${error.message.trim()}`, { file });
  }
};

const readJson = async (file: string): Promise<unknown[]> => {
  const text = await readFile(file, 'utf8').catch((error: Error) =>
    fail('MR_FILE_INVALID', `${file}: ${error.message}`, { file }),
  );
  try {
    return [JSON.parse(text)].flat();
  } catch (error) {
    return fail('MR_FILE_INVALID', `${file} is not JSON: ${(error as Error).message}`, { file });
  }
};

const definitionsIn = async (name: string): Promise<readonly Definition[]> => {
  const file = resolve(name);
  if (!existsSync(file)) return fail('MR_FILE_INVALID', `there is no file "${file}"`, { file });
  const values = extname(file) === '.json' ? await readJson(file) : await importFile(file);
  const found = values.flat().filter(isDefinition);
  const wrong = extname(file) === '.json' && found.length < values.length;
  if (found.length === 0 || wrong) {
    const what = wrong
      ? 'has a value that is not a definition: definitions have a "kind" and a "name"'
      : 'exports no definitions: export the results of entity, source, featureView …';
    return fail('MR_FILE_INVALID', `${file} ${what}`, { file });
  }
  return found.map((definition) => JSON.parse(JSON.stringify(definition)) as Definition);
};

/**
 * The definitions of all files, each once. @throws MR_FILE_INVALID for two different ones of one
 * name
 */
export const readDefinitionFiles = async (
  files: readonly string[],
): Promise<readonly Definition[]> => {
  const byName = new Map<string, { readonly definition: Definition; readonly file: string }>();
  for (const file of files) {
    for (const definition of await definitionsIn(file)) {
      const name = `${definition.kind} "${definition.name}"`;
      const other = byName.get(name);
      if (other !== undefined && canonical(other.definition) !== canonical(definition)) {
        fail(
          'MR_FILE_INVALID',
          `${name} has two different definitions: in ${other.file} and in ${file}`,
          {
            files: [other.file, file],
          },
        );
      }
      if (other === undefined) byName.set(name, { definition, file });
    }
  }
  return [...byName.values()].map(({ definition }) => definition);
};
