/** Plans as text: what changes, what it costs, and what the files leave out. */
import type { MissingDefinition, PlannedChange, PlanResult } from '#domain/api/registry.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { changedValueText, computesText } from './definition-text.ts';
import { show } from './table.ts';

const MARKS = {
  create: '+',
  revise: '~',
  unchanged: '=',
  restore: '+',
  deprecate: '~',
  retire: '-',
} as const;
const COSTS = {
  none: '',
  compatible: ' (compatible)',
  replay: ' (needs a replay)',
  breaking: ' (breaks a reader)',
} as const;

const valueText = (path: string, value: unknown): string =>
  changedValueText(path, value) ?? show(value);

/** What a new definition computes; nothing where it has problems. */
const newText = (
  { kind, name, problems }: PlannedChange,
  definitions: readonly Definition[],
): readonly string[] =>
  problems.length > 0
    ? []
    : definitions
        .filter((one) => one.kind === kind && one.name === name)
        .flatMap(computesText)
        .map((line) => `    ${line}`);

const changeText = (change: PlannedChange, definitions: readonly Definition[]): string => {
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

interface Shown {
  /** also those that change nothing */
  readonly all?: boolean;
  /** of the request: what new ones compute is shown */
  readonly definitions?: readonly Definition[];
}

export const changesText = (
  changes: readonly PlannedChange[],
  { all = false, definitions = [] }: Shown = {},
): readonly string[] =>
  changes
    .filter(({ action, problems }) => all || action !== 'unchanged' || problems.length > 0)
    .map((change) => changeText(change, definitions));

const LISTED = 10;

/** The name, with its kind where several have that name. */
const labels = (missing: readonly MissingDefinition[]): readonly string[] =>
  missing.map(({ kind, name }) =>
    missing.filter((other) => other.name === name).length > 1 ? `${kind}/${name}` : name,
  );

/** What is registered and not in the files. */
export const missingText = (
  missing: readonly MissingDefinition[],
  { all = false } = {},
): readonly string[] => {
  if (missing.length === 0) return [];
  const names = labels(missing);
  const shown = all ? names : names.slice(0, LISTED);
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : '';
  const them = names.length === 1 ? 'it' : 'them';
  return [
    `not in the files: ${shown.join(', ')}${more}; \`apply --prune\` retires ${them}`,
    ...missing.flatMap(({ usedBy }, i) =>
      usedBy.length === 0
        ? []
        : [`    ${names[i]} is used by ${usedBy.join(', ')}: \`apply --prune\` would be refused`],
    ),
  ];
};

const ALWAYS = ['create', 'revise'] as const;
const SOMETIMES = ['restore', 'deprecate', 'retire'] as const;

export const summary = ({ changes }: PlanResult): string => {
  const count = (action: PlannedChange['action']): number =>
    changes.filter((change) => change.action === action).length;
  return [
    ...ALWAYS.map((action) => `${count(action)} to ${action}`),
    ...SOMETIMES.flatMap((action) =>
      count(action) === 0 ? [] : [`${count(action)} to ${action}`],
    ),
    `${count('unchanged')} unchanged`,
  ].join(', ');
};
