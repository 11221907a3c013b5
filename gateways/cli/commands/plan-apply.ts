import type { Command } from 'commander';
import type { ApplyResult, PlanResult } from '#domain/api/registry.ts';
import { parseDefinition } from '#domain/definitions/parse.ts';
import { planDefinitions } from '#domain/registry/plan.ts';
import { registeredIn } from '#domain/registry/registry-export.ts';
import { announcing, changedViews, sayUnfinished, untilLive } from '../apply-progress.ts';
import { contextOf } from '../context.ts';
import { type DefinitionFiles, readDefinitionFiles, readExportFile } from '../definition-files.ts';
import { changesText, missingText, summary } from '../plan-text.ts';

interface PlanFlags {
  readonly prune?: boolean;
  readonly all?: boolean;
  /** file of an export */
  readonly against?: string;
}

/** The plan against an export; no server is asked. */
const planAgainst = async (
  file: string,
  { definitions, ...options }: DefinitionFiles,
  prune: boolean,
): Promise<PlanResult> =>
  planDefinitions(
    registeredIn(await readExportFile(file)),
    definitions.map((definition) =>
      parseDefinition(definition, `${definition.kind} ${JSON.stringify(definition.name)}`),
    ),
    { ...options, prune },
  );

const BREAKS = 2;

const plan = async (
  files: readonly string[],
  { prune = false, all = false, against }: PlanFlags,
  command: Command,
): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  const read = await readDefinitionFiles(files);
  const result =
    against === undefined
      ? await client.post<PlanResult>('/v1/plan', { body: { ...read, prune } })
      : await planAgainst(against, read, prune);
  const { changes, missing } = result;
  if (json) document(result);
  else
    print(
      [
        ...changesText(changes, { all, definitions: read.definitions }),
        ...missingText(missing, { all }),
        summary(result),
      ].join('\n'),
    );
  if (changes.some(({ problems }) => problems.length > 0)) process.exitCode = 1;
  else if (changes.some(({ cost }) => cost === 'breaking')) process.exitCode = BREAKS;
};

const LISTED = 5;
const listed = (names: readonly string[]): string =>
  names.length <= LISTED
    ? names.join(', ')
    : `${names.slice(0, LISTED).join(', ')} and ${names.length - LISTED} more`;

interface ApplyFlags {
  readonly reason?: string;
  readonly force?: boolean;
  readonly prune?: boolean;
  readonly wait?: boolean;
}

const apply = async (
  files: readonly string[],
  { wait = false, ...flags }: ApplyFlags,
  command: Command,
): Promise<void> => {
  const context = contextOf(command);
  const { client, json, document, print } = context;
  const read = await readDefinitionFiles(files);
  const names = read.definitions.map(({ kind, name }) => `${kind} ${name}`);
  const result = await announcing(
    context,
    `applying ${listed(names)}`,
    client.post<ApplyResult>('/v1/apply', { body: { ...read, ...flags } }),
  );
  if (json) document(result);
  else
    print(
      [...changesText(result.changes), `applied ${result.applied}, at ${result.position}`].join(
        '\n',
      ),
    );
  await (wait ? untilLive : sayUnfinished)(context, changedViews(result.changes));
};

const FILES = 'TypeScript, JavaScript or JSON files of definitions, or the export of a registry';

export const addPlanAndApply = (program: Command): void => {
  program
    .command('plan')
    .description(
      'show what `apply` would change, and which changes need a replay or break a reader',
    )
    .argument('<file...>', FILES)
    .option('--all', 'also show what does not change')
    .option('--prune', 'show what `apply --prune` would change')
    .option('--against <export>', 'compare with this export of a registry, without a server')
    .addHelpText(
      'after',
      '\nExit status: 0 nothing breaks, 2 something would break a reader, 1 refused.\n\nExample:\n  millrace plan features.ts\n  millrace plan features.ts --against production.json',
    )
    .action(plan);
  program
    .command('apply')
    .description('register these definitions')
    .argument('<file...>', FILES)
    .option('--reason <text>', 'why, for the audit log')
    .option('--force', 'also apply breaking changes; needs --reason')
    .option('--prune', 'also retire what is registered and not in the files')
    .option('--wait', 'wait until new views are filled, and show how far they are')
    .addHelpText(
      'after',
      '\nA new view on the stack profile can be read at once: raw events answer until it is filled.\n\nExample:\n  millrace apply features.ts --reason "first features"',
    )
    .action(apply);
};
