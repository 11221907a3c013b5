import type { Command } from 'commander';
import type { ApplyResult, PlannedChange, PlanResult } from '#domain/api/registry.ts';
import { contextOf } from '../context.ts';
import { readDefinitionFiles } from '../definition-files.ts';
import { changedValueText } from '../definition-text.ts';
import { show } from '../table.ts';

const MARKS = { create: '+', revise: '~', unchanged: '=' } as const;
const COSTS = {
  none: '',
  compatible: ' (compatible)',
  replay: ' (needs a replay)',
  breaking: ' (breaks a reader)',
} as const;

const valueText = (path: string, value: unknown): string =>
  changedValueText(path, value) ?? show(value);

const changeText = ({ kind, name, action, cost, fields, notes, problems }: PlannedChange): string =>
  [
    `${MARKS[action]} ${kind} ${name}: ${action}${action === 'create' ? '' : COSTS[cost]}`,
    ...(action === 'create'
      ? []
      : fields.map(
          (field) =>
            `    ${field.path}: ${valueText(field.path, field.before)} → ${valueText(field.path, field.after)}${COSTS[field.cost]}`,
        )),
    ...notes.map((note) => `    ${note}`),
    ...problems.map((problem) => `    error ${problem.code}: ${problem.message}`),
  ].join('\n');

const summary = (changes: readonly PlannedChange[]): string => {
  const count = (action: PlannedChange['action']) =>
    changes.filter((change) => change.action === action).length;
  return `${count('create')} to create, ${count('revise')} to revise, ${count('unchanged')} unchanged`;
};

const plan = async (
  files: readonly string[],
  _options: unknown,
  command: Command,
): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  const result = await client.post<PlanResult>('/v1/plan', {
    body: { definitions: await readDefinitionFiles(files) },
  });
  if (json) document(result);
  else print([...result.changes.map(changeText), summary(result.changes)].join('\n'));
  if (result.changes.some((change) => change.problems.length > 0)) process.exitCode = 1;
};

const apply = async (
  files: readonly string[],
  { reason, force }: { reason?: string; force?: boolean },
  command: Command,
): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  const definitions = await readDefinitionFiles(files);
  const result = await client.post<ApplyResult>('/v1/apply', {
    body: { definitions, reason, force },
  });
  if (json) document(result);
  else
    print(
      [...result.changes.map(changeText), `applied ${result.applied}, at ${result.position}`].join(
        '\n',
      ),
    );
};

export const addPlanAndApply = (program: Command): void => {
  program
    .command('plan')
    .description(
      'show what `apply` would change, and which changes need a replay or break a reader',
    )
    .argument('<file...>', 'TypeScript, JavaScript or JSON files of definitions')
    .addHelpText('after', '\nExample:\n  millrace plan features.ts')
    .action(plan);
  program
    .command('apply')
    .description('register these definitions')
    .argument('<file...>', 'TypeScript, JavaScript or JSON files of definitions')
    .option('--reason <text>', 'why, for the audit log')
    .option('--force', 'also apply breaking changes; needs --reason')
    .addHelpText('after', '\nExample:\n  millrace apply features.ts --reason "first features"')
    .action(apply);
};
