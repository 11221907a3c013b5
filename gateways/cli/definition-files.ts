/**
 * Reads definitions from TypeScript or JavaScript modules (their exports) and from JSON files (one
 * definition, a list, or the export of a registry). Errors have the name of the file.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import type { ExportedStatus, RegistryExport } from '#domain/api/registry.ts';
import type { Definition, Kind } from '#domain/definitions/model.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import { canonical } from '#domain/expressions/canonical.ts';
import { KINDS } from '#domain/registry/events.ts';
import { isRegistryExport, readRegistryExport } from '#domain/registry/registry-export.ts';
import { importModule, MODULE_ENDINGS } from './definition-modules.ts';

const isDefinition = (value: unknown): value is Definition =>
  typeof value === 'object' &&
  value !== null &&
  'kind' in value &&
  'name' in value &&
  KINDS.includes(value.kind as Kind);

const readJson = async (file: string): Promise<unknown> => {
  const text = await readFile(file, 'utf8').catch((error: Error) =>
    fail('MR_FILE_INVALID', `${file}: ${error.message}`, { file }),
  );
  try {
    return JSON.parse(text);
  } catch (error) {
    return fail('MR_FILE_INVALID', `${file} is not JSON: ${(error as Error).message}`, { file });
  }
};

const exportIn = (file: string, value: unknown): RegistryExport => {
  try {
    return readRegistryExport(value);
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    return fail('MR_FILE_INVALID', `${file}: ${error.message}`, { ...error.details, file });
  }
};

/** @throws MR_FILE_INVALID */
export const readExportFile = async (name: string): Promise<RegistryExport> => {
  const file = resolve(name);
  return exportIn(file, await readJson(file));
};

export interface DefinitionFiles {
  readonly definitions: readonly Definition[];
  /** of those that come from an export; absent: none does */
  readonly exported?: readonly ExportedStatus[];
}

const definitionsIn = async (name: string): Promise<DefinitionFiles> => {
  const file = resolve(name);
  if (!existsSync(file)) return fail('MR_FILE_INVALID', `there is no file "${file}"`, { file });
  const ending = extname(file);
  if (![...MODULE_ENDINGS, '.json'].includes(ending))
    return fail(
      'MR_FILE_INVALID',
      `${file} is no file of definitions: these end with ${MODULE_ENDINGS.join(', ')} or .json`,
      { file },
    );
  const json = ending === '.json' ? await readJson(file) : null;
  if (isRegistryExport(json)) {
    const { definitions } = exportIn(file, json);
    return {
      definitions: definitions.map(({ definition }) => definition),
      exported: definitions.map(({ definition: _, ...exported }) => exported),
    };
  }
  const values = (ending === '.json' ? [json] : await importModule(file)).flat();
  const found = values.filter(isDefinition);
  const wrong = ending === '.json' && found.length < values.length;
  if (found.length === 0 || wrong) {
    const what = wrong
      ? 'has a value that is not a definition: definitions have a "kind" and a "name"'
      : 'exports no definitions: export the results of entity, source, featureView …';
    return fail('MR_FILE_INVALID', `${file} ${what}`, { file });
  }
  return {
    definitions: found.map((definition) => JSON.parse(JSON.stringify(definition)) as Definition),
  };
};

/**
 * The definitions of all files, each once. @throws MR_FILE_INVALID for two different ones of one
 * name
 */
export const readDefinitionFiles = async (files: readonly string[]): Promise<DefinitionFiles> => {
  const exported: ExportedStatus[] = [];
  const byName = new Map<string, { readonly definition: Definition; readonly file: string }>();
  for (const file of files) {
    const read = await definitionsIn(file);
    exported.push(...(read.exported ?? []));
    for (const definition of read.definitions) {
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
  const definitions = [...byName.values()].map(({ definition }) => definition);
  return exported.length === 0 ? { definitions } : { definitions, exported };
};
