import { type Command, Option } from 'commander';
import type { CreatedKey, KeyInfo } from '#domain/api/keys.ts';
import type { AccessLimits } from '#domain/authorization/principal.ts';
import { hasCode } from '#domain/errors.ts';
import { path } from '../client.ts';
import { contextOf } from '../context.ts';
import { showTime, table } from '../table.ts';
import { wholeOption } from '../usage.ts';

interface CreateOptions {
  readonly grant: readonly string[];
  readonly expires?: string;
  readonly rate?: number;
  readonly burst?: number;
  readonly eventsPerDay?: number;
  readonly rowsPerDay?: number;
  readonly reason?: string;
  readonly replaces?: string;
}

const create = async (name: string, options: CreateOptions, command: Command): Promise<void> => {
  const { client, json, document, print, message } = contextOf(command);
  const {
    grant: grants,
    expires: expiresAt,
    rate: requestsPerSecond,
    burst,
    eventsPerDay,
    rowsPerDay,
    reason,
    replaces,
  } = options;
  const limits = { requestsPerSecond, burst, eventsPerDay, rowsPerDay };
  const body = { name, grants, limits, expiresAt, reason, replaces };
  const created = await client.post<CreatedKey>('/v1/keys', { body }).catch((error: unknown) => {
    if (hasCode(error, 'MR_APPROVAL_REQUIRED') && !json) {
      print(String(error.details.key));
      message('the key on stdout is shown only now; it works once the proposal is approved');
    }
    throw error;
  });
  if (json) return document(created);
  // Only the key is on stdout, so that a script can read it.
  print(created.key);
  message(
    `key ${created.id} "${created.name}" has the grants ${created.grants.join(', ')}; it is shown only now: store it as a secret`,
  );
  message('use it with --api-key, MILLRACE_API_KEY, or the header `authorization: Bearer KEY`');
};

const limitsText = (limits: AccessLimits): string =>
  Object.entries(limits)
    .map(([limit, value]) => `${limit} ${value}`)
    .join(', ');

const stateOf = ({ revokedAt, revokedBy, expiresAt }: KeyInfo): string => {
  if (revokedAt !== null) return `revoked ${showTime(revokedAt)} by ${revokedBy}`;
  return expiresAt === null ? 'valid' : `until ${showTime(expiresAt)}`;
};

const list = async (_options: unknown, command: Command): Promise<void> => {
  const { client, json, records, print } = contextOf(command);
  const keys = await client.get<KeyInfo[]>('/v1/keys');
  if (json) return records(keys);
  print(
    table(
      ['id', 'name', 'grants', 'state', 'limits', 'created', 'by'],
      keys.map((key) => [
        key.id,
        key.name,
        key.grants.join(', '),
        stateOf(key),
        limitsText(key.limits),
        showTime(key.createdAt),
        key.createdBy,
      ]),
    ),
  );
};

const revoke = async (
  id: string,
  { reason }: { readonly reason?: string },
  command: Command,
): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  const key = await client.post<KeyInfo>(`${path('v1', 'keys', id)}/revoke`, { body: { reason } });
  if (json) document(key);
  else print(`key ${key.id} "${key.name}" is revoked`);
};

export const addKeys = (program: Command): void => {
  const keys = program.command('keys').description('manage API keys and their grants');
  const limit = (flag: string): ((text: string) => number) => wholeOption(flag, 1);
  keys
    .command('create')
    .description('create a key; it is shown once and cannot be shown again')
    .argument('<name>', 'name of its owner, for the audit log')
    .addOption(
      new Option(
        '--grant <grants...>',
        'ROLE@NAMESPACE, or ROLE@* for all namespaces',
      ).makeOptionMandatory(),
    )
    .option('--expires <time>', 'time at which the key expires; default: never')
    .option('--rate <n>', 'maximum requests per second', limit('--rate'))
    .option(
      '--burst <n>',
      'maximum requests in a burst; needs --rate; default: the value of --rate',
      limit('--burst'),
    )
    .option('--events-per-day <n>', 'maximum events published per day', limit('--events-per-day'))
    .option('--rows-per-day <n>', 'maximum rows read per day', limit('--rows-per-day'))
    .option(
      '--replaces <id>',
      'id of the key that this one replaces: it takes over its producer ids',
    )
    .option('--reason <text>', 'why, for the audit log')
    .addHelpText(
      'after',
      '\nExample:\n  millrace keys create trainer --grant reader@default --rate 100\n\nRoles: reader, producer, author, operator, auditor, admin. The first key of a platform must be admin@*.',
    )
    .action(create);
  keys
    .command('list')
    .description('list all keys, also revoked ones, without their secrets')
    .addHelpText('after', '\nExample:\n  millrace keys list')
    .action(list);
  keys
    .command('revoke')
    .description('revoke a key immediately; this cannot be undone')
    .argument('<id>', 'id of the key, from `millrace keys list`')
    .option('--reason <text>', 'why, for the audit log')
    .addHelpText(
      'after',
      '\nExample:\n  millrace keys revoke 3f9a1c0b7d2e --reason "left the team"',
    )
    .action(revoke);
};
