import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { fail } from '#domain/errors.ts';
import type { Imported } from '#gateways/feast/import/import.ts';
import { contextOf } from '../context.ts';
import { terminalText } from '../terminal-text.ts';
import { addImportHistory } from './import-history.ts';

interface Options {
  readonly out?: string;
  readonly force?: boolean;
  readonly project?: string;
  readonly strict?: boolean;
}

/** The texts to write by path; without --out, one text with the path ''. */
const textsFor = async (
  out: string | undefined,
  imported: Imported,
): Promise<ReadonlyMap<string, string>> => {
  const { filesByKind, oneFile } = await import('#gateways/feast/import/files.ts');
  if (out === undefined) return new Map([['', oneFile(imported)]]);
  const path = resolve(out);
  if (/\.[jt]s$/.test(out) && !statSync(path, { throwIfNoEntry: false })?.isDirectory())
    return new Map([[path, oneFile(imported)]]);
  return new Map([...filesByKind(imported)].map(([name, text]) => [join(path, name), text]));
};

/** Writes all files or none: files that exist are found before anything is written. */
const writeAll = (texts: ReadonlyMap<string, string>, force: boolean): void => {
  const there = force
    ? []
    : [...texts.keys()].filter((file) => statSync(file, { throwIfNoEntry: false }) !== undefined);
  if (there.length > 0)
    fail(
      'MR_FILE_INVALID',
      `${there.join(', ')} ${there.length === 1 ? 'exists' : 'exist'} already: overwrite with --force`,
      { files: there },
    );
  for (const [file, text] of texts) {
    try {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    } catch (error) {
      fail('MR_FILE_INVALID', `${file} cannot be written: ${(error as Error).message}`, { file });
    }
  }
};

const importFeast = async (
  repository: string,
  { out, force, project, strict }: Options,
  command: Command,
): Promise<void> => {
  const { json, document, message } = contextOf(command);
  const { findRegistry } = await import('#gateways/feast/import/repository.ts');
  const { readRegistry } = await import('#gateways/feast/import/registry.ts');
  const { importProject } = await import('#gateways/feast/import/import.ts');
  const place = findRegistry(repository);
  const imported = importProject(readRegistry(place, project ?? null));
  if (imported.definitions.length === 0)
    fail(
      'MR_FILE_INVALID',
      `${place.path}: the project ${imported.project} has nothing to import`,
      {
        file: place.path,
      },
    );
  const texts = await textsFor(out, imported);
  if (out !== undefined) writeAll(texts, force === true);
  if (json) {
    const { definitions, notes } = imported;
    const files = out === undefined ? { text: texts.get('') } : { files: [...texts.keys()] };
    document({ project: imported.project, registry: place.path, ...files, definitions, notes });
  } else {
    if (out === undefined) process.stdout.write(terminalText(texts.get('') as string));
    const { reportText } = await import('#gateways/feast/import/report.ts');
    message(reportText(imported));
    if (out !== undefined) message(`written: ${[...texts.keys()].join(', ')}`);
  }
  if (strict === true && imported.notes.some(({ level }) => level === 'lost')) process.exitCode = 1;
};

export const addImport = (program: Command): void => {
  const group = program
    .command('import')
    .description('bring definitions of another feature store, or events from before this log');
  addImportHistory(group);
  group
    .command('feast')
    .description(
      'convert a Feast registry to Millrace definitions; what has no counterpart is listed on stderr',
    )
    .argument(
      '<repo>',
      'directory of a Feast repository, its feature_store.yaml, or a registry file',
    )
    .option(
      '--out <path>',
      'write to a .ts file, or to a directory with one file per kind; default: stdout',
    )
    .option('--force', 'overwrite existing files')
    .option(
      '--project <name>',
      'project of the registry to convert; default: that of the repository, or the only one',
    )
    .option('--strict', 'exit with 1 if anything has no counterpart')
    .addHelpText(
      'after',
      '\nExample:\n  millrace import feast ./feature_repo --out features.ts\n  millrace plan features.ts',
    )
    .action(importFeast);
};
