import type { Command } from 'commander';
import type { ApplyResult, PlannedChange, PlanResult } from '#domain/api/registry.ts';
import { contextOf } from '../context.ts';
import { readDefinitionFiles } from '../definition-files.ts';
import { changedValueText, computesText } from '../definition-text.ts';
import { show } from '../table.ts';

const MARKS = { create: '+', revise: '~', unchanged: '=' } as const;
const COSTS = {
  none: '',
  compatible: ' (compatible)',
  replay: ' (needs a replay)',
  breaking: ' (breaks a reader)',
} as const;

interface Named {
  readonly kind: unknown;
  readonly name: unknown;
}

const valueText = (path: string, value: unknown): string =>
  changedValueText(path, value) ?? show(value);

/** What a new definition computes; nothing where it has problems. */
const newText = ({ kind, name, problems }: PlannedChange, definitions: readonly unknown[]) =>
  problems.length > 0
    ? []
    : definitions
        .filter((one) => (one as Named | null)?.kind === kind && (one as Named).name === name)
        .flatMap(computesText)
        .map((line) => `    ${line}`);

const changeText = (change: PlannedChange, definitions: readonly unknown[]): string => {
  const { kind, name, action, cost, fields, notes, problems } = change;
  return [
    `${MARKS[action]} ${kind} ${name}: ${action}${action === 'create' ? '' : COSTS[cost]}`,
    ...(action === 'create'
      ? newText(change, definitions)
      : fields.map(
          (field) =>
            `    ${field.path}: ${valueText(field.path, field.before)} → ${valueText(field.path, field.after)}${COSTS[field.cost]}`,
        )),
    ...notes.map((note) => `    ${note}`),
    ...problems.map((problem) => `    error ${problem.code}: ${problem.message}`),
  ].join('\n');
};

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
  const definitions = await readDefinitionFiles(files);
  const result = await client.post<PlanResult>('/v1/plan', { body: { definitions } });
  if (json) document(result);
  else {
    const lines = result.changes.map((change) => changeText(change, definitions));
    print([...lines, summary(result.changes)].join('\n'));
  }
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
      [
        ...result.changes.map((change) => changeText(change, [])),
        `applied ${result.applied}, at ${result.position}`,
      ].join('\n'),
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
