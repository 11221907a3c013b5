/**
 * `deprecate`, `retire` and `restore`: the status of a registered definition. With `--data`,
 * `restore` restores a backup instead.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { CatalogEntry, CommandResult } from '#domain/api/registry.ts';
import { KINDS } from '#domain/registry/events.ts';
import { contextOf } from '../context.ts';
import { namedEntry } from '../named-entry.ts';
import { addStackServerOptions, profileOption } from '../stack-options.ts';
import { UsageError } from '../usage.ts';
import { type RestoreBackupOptions, restoreBackup } from './backup.ts';

interface Verb {
  readonly type: string;
  readonly does: string;
  /** statuses that the command changes */
  readonly from: readonly CatalogEntry['status'][];
  readonly done: (entry: CatalogEntry) => string;
}

const retired = ({ kind, name }: CatalogEntry): string => {
  const what: Readonly<Record<string, string>> = {
    'feature-view': 'it is neither read nor computed any more',
    source: 'it accepts no events any more',
    entity: 'no view can be of it',
  };
  return `${kind} ${name} is retired: ${what[kind] ?? 'it is not read any more'}; \`millrace restore ${name}\` brings it back`;
};

const VERBS: Readonly<Record<string, Verb>> = {
  deprecate: {
    type: 'Deprecate',
    does: 'mark a definition as not for new use; it works as before, and plans of what reads it say so',
    from: ['active'],
    done: ({ kind, name }) => `${kind} ${name} is deprecated`,
  },
  retire: {
    type: 'Retire',
    does: 'stop serving and computing a definition that no other one uses; nothing is deleted',
    from: ['active', 'deprecated'],
    done: retired,
  },
  restore: {
    type: 'Restore',
    does: 'make a deprecated or retired definition active again, with the values that it would have; with --data: restore a backup',
    from: ['deprecated', 'retired'],
    done: ({ kind, name }) => `${kind} ${name} is active`,
  },
};

interface ChangeOptions {
  readonly kind?: string;
  readonly reason?: string;
}

const change =
  ({ type, from, done }: Verb) =>
  async (name: string, { kind, reason }: ChangeOptions, command: Command): Promise<void> => {
    const { client, json, document, print } = contextOf(command);
    const entry = await namedEntry(client, name, {
      ...(kind === undefined ? {} : { kind }),
      prefer: ({ status }) => from.includes(status),
    });
    const result = await client.post<CommandResult>('/v1/commands', {
      body: { type, data: { kind: entry.kind, name: entry.name }, reason },
    });
    if (json) document(result);
    else print(done(entry));
  };

type RestoreOptions = ChangeOptions & RestoreBackupOptions;

/**
 * `--data` and `--profile stack` tell a backup from a definition: a definition is restored on a
 * running server.
 */
const restore = async (what: string, options: RestoreOptions, command: Command): Promise<void> => {
  const { profile, data, backup, until, kind, reason } = options;
  if (data !== undefined || profile === 'stack') {
    if (kind !== undefined || reason !== undefined)
      throw new UsageError(
        '--kind and --reason are for definitions, --data and --profile for backups',
      );
    if (data !== undefined && profile === 'stack')
      throw new UsageError('--data is for the embedded profile; --stack names the servers');
    return restoreBackup(what, options, command);
  }
  if (
    profile !== undefined ||
    backup !== undefined ||
    until !== undefined ||
    existsSync(join(what, 'catalog.json'))
  )
    throw new UsageError(
      'to restore a backup, name the new data directory with --data, or --profile stack',
    );
  return change(VERBS.restore as Verb)(what, options, command);
};

const withBackups = (command: Command): Command =>
  addStackServerOptions(
    command
      .option('--data <dir>', 'restore a backup, to this empty or absent data directory')
      .addOption(profileOption()),
  )
    .option('--backup <id>', 'of a backup: its id; default: the newest')
    .option(
      '--until <when>',
      'of a backup: last moment to restore: a time, or a position such as raw.flights@0:123',
    )
    .addHelpText(
      'after',
      '  millrace restore /mnt/backups --data ./restored --until 2026-01-31T12:00:00Z\n  millrace restore /mnt/backups --profile stack',
    )
    .action(restore);

export const addLifecycle = (program: Command): void => {
  for (const [name, verb] of Object.entries(VERBS)) {
    const command = program
      .command(name)
      .description(verb.does)
      .argument(
        '<name>',
        name === 'restore'
          ? 'a name, or KIND/NAME; with --data or --profile stack: a directory of backups'
          : 'a name, or KIND/NAME',
      )
      .option(
        '--kind <kind>',
        `kind of the definition, if several have this name: ${KINDS.join(', ')}`,
      )
      .option('--reason <text>', 'why, for the audit log')
      .addHelpText(
        'after',
        `\nExample:\n  millrace ${name} airport_delays --reason "replaced by airport_delays_v2"`,
      )
      .action(change(verb));
    if (name === 'restore') withBackups(command);
  }
};
