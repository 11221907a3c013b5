import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { fail } from '#domain/errors.ts';
import type { Imported } from '#gateways/feast/import/import.ts';
import { contextOf } from '../context.ts';

interface Options {
  readonly out?: string;
  readonly force?: boolean;
  readonly project?: string;
  readonly strict?: boolean;
}

/** Loaded when the command runs: YAML and protobuf would double the start of every command. */
const loadImport = async () => ({
  ...(await import('#gateways/feast/import/files.ts')),
  ...(await import('#gateways/feast/import/import.ts')),
  ...(await import('#gateways/feast/import/registry.ts')),
  ...(await import('#gateways/feast/import/report.ts')),
  ...(await import('#gateways/feast/import/repository.ts')),
});
type FeastImport = Awaited<ReturnType<typeof loadImport>>;

const textsFor = (
  { oneFile, filesByKind }: FeastImport,
  out: string | undefined,
  imported: Imported,
): ReadonlyMap<string, string> => {
  if (out === undefined) return new Map([['', oneFile(imported)]]);
  const path = resolve(out);
  if (/\.[jt]s$/.test(out) && !statSync(path, { throwIfNoEntry: false })?.isDirectory())
    return new Map([[path, oneFile(imported)]]);
  return new Map([...filesByKind(imported)].map(([name, text]) => [join(path, name), text]));
};

/** All or none: what is there already is found before anything is written. */
const writeAll = (texts: ReadonlyMap<string, string>, force: boolean): void => {
  const there = force
    ? []
    : [...texts.keys()].filter((file) => statSync(file, { throwIfNoEntry: false }) !== undefined);
  if (there.length > 0)
    fail(
      'MR_FILE_INVALID',
      `${there.join(', ')} ${there.length === 1 ? 'is' : 'are'} there already: overwrite with --force`,
      {
        files: there,
      },
    );
  for (const [file, text] of texts) {
    try {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    } catch (error) {
      fail('MR_FILE_INVALID', `${file} can't be written: ${(error as Error).message}`, { file });
    }
  }
};

const importFeast = async (
  repository: string,
  { out, force, project, strict }: Options,
  command: Command,
): Promise<void> => {
  const { json, document, message } = contextOf(command);
  const feast = await loadImport();
  const place = feast.findRegistry(repository);
  const imported = feast.importProject(feast.readRegistry(place, project ?? null));
  if (imported.definitions.length === 0)
    fail(
      'MR_FILE_INVALID',
      `${place.path}: the project ${imported.project} has nothing that could be imported`,
      {
        file: place.path,
      },
    );
  const texts = textsFor(feast, out, imported);
  if (out !== undefined) writeAll(texts, force === true);
  if (json) {
    const { definitions, notes } = imported;
    const files = out === undefined ? { text: texts.get('') } : { files: [...texts.keys()] };
    document({ project: imported.project, registry: place.path, ...files, definitions, notes });
  } else {
    if (out === undefined) process.stdout.write(texts.get('') as string);
    message(feast.reportText(imported));
    if (out !== undefined) message(`written: ${[...texts.keys()].join(', ')}`);
  }
  if (strict === true && imported.notes.some(({ level }) => level === 'lost')) process.exitCode = 1;
};

export const addImport = (program: Command): void => {
  program
    .command('import')
    .description('definitions out of another feature store')
    .command('feast')
    .description(
      "a Feast repository's registry as Millrace definitions, on stdout; what has no counterpart is said on stderr",
    )
    .argument('<repo>', "a Feast repository's folder, its feature_store.yaml, or a registry's file")
    .option('--out <path>', 'write to a .ts file, or to a folder, a file a kind')
    .option('--force', 'overwrite files that are there')
    .option(
      '--project <name>',
      "which of the registry's projects; default: the repository's, or the only one",
    )
    .option('--strict', 'exit with 1 where anything has no counterpart')
    .addHelpText(
      'after',
      '\nExample:\n  millrace import feast ./feature_repo --out features.ts\n  millrace plan features.ts',
    )
    .action(importFeast);
};
