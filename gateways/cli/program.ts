/**
 * The commands and options of the command line. Only the command that is called is loaded, because
 * loading all of them takes several times longer than most commands run.
 */
import { Command } from 'commander';
import { DEFAULT_URL } from './context.ts';

type AddCommand = (program: Command) => void;

interface CommandModule {
  readonly names: readonly string[];
  readonly load: () => Promise<AddCommand>;
}

/** In the order of the help. */
const MODULES: readonly CommandModule[] = [
  { names: ['serve'], load: async () => (await import('./commands/serve.ts')).addServe },
  {
    names: ['plan', 'apply'],
    load: async () => (await import('./commands/plan-apply.ts')).addPlanAndApply,
  },
  { names: ['publish'], load: async () => (await import('./commands/publish.ts')).addPublish },
  { names: ['import'], load: async () => (await import('./commands/import.ts')).addImport },
  { names: ['export'], load: async () => (await import('./commands/export.ts')).addExport },
  { names: ['get'], load: async () => (await import('./commands/get.ts')).addGet },
  { names: ['dataset'], load: async () => (await import('./commands/dataset.ts')).addDataset },
  { names: ['batch'], load: async () => (await import('./commands/batch.ts')).addBatch },
  { names: ['rollup'], load: async () => (await import('./commands/rollup.ts')).addRollup },
  { names: ['sql'], load: async () => (await import('./commands/sql.ts')).addSql },
  { names: ['replay'], load: async () => (await import('./commands/replay.ts')).addReplay },
  { names: ['explain'], load: async () => (await import('./commands/explain.ts')).addExplain },
  { names: ['audit'], load: async () => (await import('./commands/audit.ts')).addAudit },
  { names: ['served'], load: async () => (await import('./commands/served.ts')).addServed },
  { names: ['skew'], load: async () => (await import('./commands/skew.ts')).addSkew },
  {
    names: ['rejected', 'late'],
    load: async () => (await import('./commands/rejected.ts')).addRejectedAndLate,
  },
  {
    names: ['list', 'show', 'search', 'lineage'],
    load: async () => (await import('./commands/registry.ts')).addRegistry,
  },
  {
    names: ['deprecate', 'retire', 'restore'],
    load: async () => (await import('./commands/lifecycle.ts')).addLifecycle,
  },
  { names: ['backup'], load: async () => (await import('./commands/backup.ts')).addBackup },
  { names: ['status'], load: async () => (await import('./commands/status.ts')).addStatus },
  { names: ['keys'], load: async () => (await import('./commands/keys.ts')).addKeys },
  {
    names: ['approvals'],
    load: async () => (await import('./commands/approvals.ts')).addApprovals,
  },
  {
    names: ['verify', 'repair'],
    load: async () => (await import('./commands/verify.ts')).addVerify,
  },
  { names: ['erase'], load: async () => (await import('./commands/erase.ts')).addErase },
  { names: ['mcp'], load: async () => (await import('./commands/mcp.ts')).addMcp },
  { names: ['stack'], load: async () => (await import('./commands/stack.ts')).addStack },
];

/** An error of usage in one line. A suggestion is all the help that it needs. */
const oneLine = (text: string): string => {
  const line = text.trim().replace(/\n\(Did you mean (?:one of )?(.+?)\?\)/, '; did you mean $1?');
  return `${line}${line.includes('; did you mean ') ? '' : ' (--help shows the usage)'}\n`;
};

/**
 * Commander's errors are thrown, those of subcommands too, so that only `main` decides on exit
 * codes.
 */
const throwing = (command: Command): void => {
  command.exitOverride();
  command.configureOutput({ outputError: (text, write) => write(oneLine(text)) });
  for (const child of command.commands) throwing(child);
};

const withGlobalOptions = (): Command =>
  new Command('millrace')
    .description('Compute features from events, serve them, and explain every value.')
    .version('0.1.0')
    .option('--url <url>', `address of the server (MILLRACE_URL; default ${DEFAULT_URL})`)
    .option('--api-key <key>', 'API key to send (MILLRACE_API_KEY)')
    .option(
      '--api-key-file <file>',
      'file with the API key, which other users of this machine then do not see (MILLRACE_API_KEY_FILE)',
    )
    .option(
      '--ca <file>',
      "PEM file of the authority that signed the server's certificate (MILLRACE_CA)",
    )
    .option(
      '--client-cert <file>',
      'PEM file of the client certificate to present (MILLRACE_CLIENT_CERT)',
    )
    .option('--client-key <file>', 'PEM file of the key of --client-cert (MILLRACE_CLIENT_KEY)')
    .option('--json', 'print one JSON document; for lists, one line per record')
    .addHelpText(
      'after',
      '\nExample:\n  millrace get delay_model --entity origin=ATL destination=LAX --request hour=18\n\nTimes are ISO 8601 with a zone, or epoch milliseconds. Exit status: 0 success, 1 refused or failed, 2 wrong usage, 3 proposed: it waits for approval.',
    );

/** The first argument that is neither a global option nor its value. */
const commandOf = (program: Command, args: readonly string[]): string | undefined => {
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (!arg.startsWith('-')) return arg;
    const option = program.options.find(({ long }) => long === arg);
    if (option?.required === true) i++;
  }
  return undefined;
};

/**
 * The program with the command that the arguments name, or with all commands if they name none, as
 * for help and errors.
 */
export const createProgram = async (args: readonly string[] = []): Promise<Command> => {
  const program = withGlobalOptions();
  const name = commandOf(program, args);
  const named = MODULES.filter(({ names }) => name !== undefined && names.includes(name));
  const adds = await Promise.all((named.length > 0 ? named : MODULES).map(({ load }) => load()));
  for (const add of adds) add(program);
  throwing(program);
  return program;
};
