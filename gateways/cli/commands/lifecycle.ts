/** `deprecate`, `retire` and `restore`: the status of a registered definition. */
import type { Command } from 'commander';
import type { CatalogEntry, CommandResult } from '#domain/api/registry.ts';
import { KINDS } from '#domain/registry/events.ts';
import { contextOf } from '../context.ts';
import { namedEntry } from '../named-entry.ts';

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
    does: 'make a deprecated or retired definition active again, with the values that it would have',
    from: ['deprecated', 'retired'],
    done: ({ kind, name }) => `${kind} ${name} is active`,
  },
};

const change =
  ({ type, from, done }: Verb) =>
  async (
    name: string,
    { kind, reason }: { readonly kind?: string; readonly reason?: string },
    command: Command,
  ): Promise<void> => {
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

export const addLifecycle = (program: Command): void => {
  for (const [name, verb] of Object.entries(VERBS))
    program
      .command(name)
      .description(verb.does)
      .argument('<name>', 'a name, or KIND/NAME')
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
};
