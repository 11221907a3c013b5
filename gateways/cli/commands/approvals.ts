/** `approvals`: what needs a second person, and what waits for one. */
import { type Command, Option } from 'commander';
import type { ApprovalList, Proposal, ProposalSummary } from '#domain/api/approvals.ts';
import type { Person } from '#domain/approval/proposal.ts';
import { MATTERS, type Requirement } from '#domain/approval/requirements.ts';
import { durationText } from '#domain/values/duration.ts';
import { path } from '../client.ts';
import { contextOf } from '../context.ts';
import { changesText } from '../plan-text.ts';
import { facts, showTime, table } from '../table.ts';
import { durationOption, UsageError } from '../usage.ts';

interface ReasonOption {
  readonly reason?: string;
}

const NOTHING = 'nothing';

const mattersOf = (text: string): readonly string[] => {
  const named = text.split(',').map((one) => one.trim());
  if (named.length === 1 && named[0] === NOTHING) return [];
  const unknown = named.find((one) => !(MATTERS as readonly string[]).includes(one));
  if (unknown !== undefined)
    throw new UsageError(
      `--for ${JSON.stringify(unknown)} cannot need approval: name any of ${MATTERS.join(',')}, or ${NOTHING}`,
    );
  return named;
};

const requirementText = ({ namespace, for: matters, validMs }: Requirement): string => {
  const within = validMs === undefined ? '' : ` within ${durationText(validMs)}`;
  return `${namespace === '*' ? 'every namespace' : `namespace ${namespace}`} needs approval for ${matters.length === 0 ? NOTHING : `${matters.join(', ')}${within}`}`;
};

const require = async (
  namespace: string,
  options: ReasonOption & { readonly for: string; readonly within?: number },
  command: Command,
): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  const { for: matters, within: validMs, reason } = options;
  const body = { namespace, for: mattersOf(matters), validMs, reason };
  const requirement = await client.post<Requirement>('/v1/approvals/require', { body });
  if (json) document(requirement);
  else print(requirementText(requirement));
};

const personText = ({ actor, principal }: Person): string => `${actor} (${principal})`;

const list = async (
  { all = false }: { readonly all?: boolean },
  command: Command,
): Promise<void> => {
  const { client, json, records, print, message } = contextOf(command);
  const { requirements, proposals } = await client.get<ApprovalList>('/v1/approvals');
  const shown = proposals.filter(({ status }) => all || status === 'open' || status === 'approved');
  if (json) return records(shown);
  for (const requirement of requirements) message(requirementText(requirement));
  print(
    table(
      ['id', 'matter', 'namespaces', 'status', 'by', 'expires', 'reason'],
      shown.map((one) => [
        one.id,
        one.matter,
        one.namespaces.join(', '),
        one.status,
        personText(one.by),
        showTime(one.expiresAt),
        one.reason ?? '',
      ]),
    ),
  );
};

const planText = ({ plan, request }: Proposal): readonly string[] => {
  switch (plan.type) {
    case 'changes':
      return changesText(plan.changes, {
        definitions: request.type === 'apply' ? request.definitions : [],
      });
    case 'promotion': {
      const { view, generation, version, live } = plan;
      const instead =
        live === null ? '' : ` instead of generation ${live.generation} (version ${live.version})`;
      return [
        `${view}: generation ${generation} (version ${version}) answers${instead}`,
        `  \`millrace replay compare ${view}@${generation}\` compares the two`,
      ];
    }
    case 'key': {
      const { id, name, grants, limits, expiresAt, replaced } = plan.key;
      return [
        `+ key ${id} "${name}" with the grants ${grants.join(', ')}`,
        `  ${expiresAt === null ? 'valid until it is revoked' : `valid until ${showTime(expiresAt)}`}`,
        ...Object.entries(limits).map(([limit, value]) => `  ${limit}: ${value}`),
        ...(replaced === undefined
          ? []
          : [`  replaces key ${replaced.id} with the grants ${replaced.grants.join(', ')}`]),
      ];
    }
    case 'requirement':
      return [
        `${plan.namespace}: approval for ${plan.before.join(', ') || NOTHING} → ${plan.after.join(', ') || NOTHING}`,
        ...(plan.validMs === undefined
          ? []
          : [
              `  within ${durationText(plan.validMs.before)} → ${durationText(plan.validMs.after)}`,
            ]),
      ];
    case 'erasure':
      return [
        `erases the entity ${plan.digest} (${plan.keyNames.join(', ')}) of ${plan.touches.join(', ')}`,
        ...(request.type === 'erasure'
          ? [`  \`millrace erase show ${request.erasure}\` shows who it is`]
          : []),
        ...plan.found.map(({ where, count }) => `  ${where}: ${count}`),
        ...(plan.found.length === 0 ? ['  nothing has it'] : []),
      ];
  }
};

const summaryText = (one: ProposalSummary): string =>
  facts([
    ['proposal', one.id],
    ['matter', `${one.matter} in ${one.namespaces.join(', ')}`],
    ['status', one.status],
    ['proposed', `${showTime(one.at)} by ${personText(one.by)}`],
    ['reason', one.reason],
    ['expires', showTime(one.expiresAt)],
    ...(one.decided === null
      ? []
      : ([
          ['decided', `${showTime(one.decided.at)} by ${personText(one.decided.by)}`],
          ['because', one.decided.reason],
        ] as const)),
    ...(one.error === null
      ? []
      : ([['error', `${one.error.code}: ${one.error.message}`]] as const)),
  ]);

const show = async (id: string, _options: unknown, command: Command): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  const proposal = await client.get<Proposal>(path('v1', 'approvals', id));
  if (json) document(proposal);
  else print([summaryText(proposal), '', ...planText(proposal)].join('\n'));
};

const decide =
  (action: 'approve' | 'refuse', done: string) =>
  async (id: string, { reason }: ReasonOption, command: Command): Promise<void> => {
    const { client, json, document, print } = contextOf(command);
    const proposal = await client.post<Proposal>(`${path('v1', 'approvals', id)}/${action}`, {
      body: { reason },
    });
    if (json) document(proposal);
    else print(`proposal ${proposal.id} is ${done}`);
  };

export const addApprovals = (program: Command): void => {
  const approvals = program
    .command('approvals')
    .description('let a second person approve breaking changes, promotions, grants and erasures');
  approvals
    .command('require')
    .description('say what needs approval in a namespace; to require less needs approval itself')
    .argument('<namespace>', 'a namespace, or "*" for all')
    .addOption(
      new Option(
        '--for <matters>',
        `all that shall need approval, with commas: ${MATTERS.join(', ')}; or ${NOTHING}`,
      ).makeOptionMandatory(),
    )
    .addOption(
      new Option(
        '--within <duration>',
        'how long a proposal can be approved, from 1h to 90d; default: as it is, which is 7d at first',
      ).argParser(durationOption('--within')),
    )
    .option('--reason <text>', 'why, for the audit log')
    .addHelpText(
      'after',
      '\nExample:\n  millrace approvals require payments --for breaking,promotions,grants',
    )
    .action(require);
  approvals
    .command('list')
    .description('list what waits for approval')
    .option('--all', 'also list what was decided or has expired')
    .addHelpText('after', '\nExample:\n  millrace approvals list')
    .action(list);
  approvals
    .command('show')
    .description('show a proposal and what it would do')
    .argument('<id>', 'id of the proposal, from `millrace approvals list`')
    .addHelpText('after', '\nExample:\n  millrace approvals show 3f9a1c0b7d2e')
    .action(show);
  approvals
    .command('approve')
    .description('approve a proposal of somebody else, and carry it out')
    .argument('<id>', 'id of the proposal')
    .option('--reason <text>', 'why, for the audit log')
    .addHelpText('after', '\nExample:\n  millrace approvals approve 3f9a1c0b7d2e')
    .action(decide('approve', 'approved and carried out'));
  approvals
    .command('refuse')
    .description('refuse a proposal, or withdraw your own')
    .argument('<id>', 'id of the proposal')
    .addOption(
      new Option('--reason <text>', 'why; who made the proposal reads it').makeOptionMandatory(),
    )
    .addHelpText(
      'after',
      '\nExample:\n  millrace approvals refuse 3f9a1c0b7d2e --reason "the model still reads it"',
    )
    .action(decide('refuse', 'refused'));
};
