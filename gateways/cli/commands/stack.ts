import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { fail } from '#domain/errors.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';
import type { ServerStatus, Stack } from '#infra/stack/stack.ts';
import { contextOf } from '../context.ts';
import { progressLine } from '../progress-line.ts';
import {
  basePortOf,
  DEFAULT_STACK,
  DEFAULT_STACK_PORT,
  stackAddressesOf,
} from '../stack-options.ts';
import { table } from '../table.ts';
import { terminalText } from '../terminal-text.ts';
import { wholeOption } from '../usage.ts';
import { showVerification } from './verify.ts';

interface StackCommandOptions {
  readonly data: string;
  readonly basePort?: number;
}

interface OtherAddresses {
  readonly addresses?: string;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const say = (line: string): void => void process.stderr.write(`${terminalText(line)}\n`);

const open = async ({ data, basePort }: StackCommandOptions): Promise<Stack> => {
  const { openStack } = await import('#infra/stack/stack.ts');
  const directory = resolve(data);
  return openStack({ directory, basePort: basePort ?? basePortOf(directory), say });
};

/** Where the servers are; those of `--addresses` were not started by this command. */
const addressesOf = ({
  data,
  basePort,
  ...rest
}: StackCommandOptions & OtherAddresses): Promise<StackAddresses> =>
  stackAddressesOf({ ...rest, stack: data, stackPort: basePort ?? basePortOf(resolve(data)) });

const statusText = (servers: readonly ServerStatus[]): string =>
  table(
    ['server', 'version', 'state', 'port', 'pid', 'memory', 'log'],
    servers.map((s) => [
      s.name,
      s.version,
      s.state,
      s.port === 0 ? '' : s.port,
      s.pid ?? '',
      s.memoryBytes === null ? '' : `${Math.round(s.memoryBytes / 2 ** 20)} MiB`,
      s.log,
    ]),
  );

const show = async (stack: Stack, command: Command): Promise<readonly ServerStatus[]> => {
  const { json, document, print } = contextOf(command);
  const servers = await stack.status();
  if (json) document({ servers, addresses: stack.addresses });
  else print(statusText(servers));
  return servers;
};

const up = async (options: StackCommandOptions, command: Command): Promise<void> => {
  const stack = await open(options);
  const interrupted = new AbortController();
  const interrupt = (): void => {
    if (!interrupted.signal.aborted)
      say('interrupted: stopping the servers that this command started');
    interrupted.abort();
  };
  for (const name of SIGNALS) process.on(name, interrupt);
  try {
    await stack.up(undefined, interrupted.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, interrupt);
  }
  await show(stack, command);
};

const down = async (options: StackCommandOptions): Promise<void> => {
  await (await open(options)).down();
  say('the stack is stopped; its data is kept');
};

const status = async (options: StackCommandOptions, command: Command): Promise<void> => {
  const servers = await show(await open(options), command);
  if (servers.some((server) => server.state !== 'ready')) process.exitCode = 1;
};

const logs = async (
  server: string,
  options: StackCommandOptions & { readonly follow?: boolean },
): Promise<void> => {
  const stack = await open(options);
  const found = (await stack.status()).find(({ name }) => name === server);
  if (found === undefined)
    return fail(
      'MR_NOT_FOUND',
      `there is no server "${server}" in the stack: \`millrace stack status\` lists them`,
      { server },
    );
  if (!existsSync(found.log))
    return fail('MR_NOT_FOUND', `${server} has no log: it was never started here`, { server });
  await new Promise<void>((done) => {
    const tail = spawn(
      'tail',
      ['-n', '100', ...(options.follow === true ? ['-F'] : []), found.log],
      { stdio: 'inherit' },
    );
    tail.on('exit', () => done());
  });
};

const verify = async (
  options: StackCommandOptions & OtherAddresses & { readonly deep: boolean },
  command: Command,
): Promise<void> => {
  const { verifyStack } = await import('#infra/profiles/stack-verify.ts');
  const line = progressLine();
  const found = await verifyStack({
    addresses: await addressesOf(options),
    deep: options.deep,
    onProgress: line.show,
  }).finally(line.end);
  showVerification(options.data, found, command);
};

const repair = async (
  options: StackCommandOptions & OtherAddresses,
  command: Command,
): Promise<void> => {
  const { repairStack } = await import('#infra/profiles/stack-repair.ts');
  const { json, document, print } = contextOf(command);
  const repairs = await repairStack({ addresses: await addressesOf(options), warn: say });
  if (json) document({ repairs });
  else if (repairs.length === 0) print('the registry and its topic agree');
  else
    print(
      table(
        ['what', 'done'],
        repairs.map(({ what, done }) => [what, done]),
      ),
    );
};

export const addStack = (program: Command): void => {
  const group = program
    .command('stack')
    .description('start, stop and inspect the servers of the stack profile on this machine')
    .addHelpText('after', '\nExample:\n  millrace stack up\n  millrace serve --profile stack');
  const add = (name: string, description: string, example: string): Command =>
    group
      .command(name)
      .description(description)
      .option(
        '--data <dir>',
        "directory of the servers' data and logs; pass the same to `serve --stack`",
        DEFAULT_STACK,
      )
      .option(
        '--base-port <n>',
        `first port of the servers; default: that of the last start, or ${DEFAULT_STACK_PORT}; pass the same to \`serve --stack-port\``,
        wholeOption('--base-port'),
      )
      .addHelpText('after', `\nExample:\n  ${example}`);
  add(
    'up',
    'fetch and start all servers, wait until they are ready, and show their ports',
    'millrace stack up --data ./stack',
  ).action(up);
  add('down', 'stop all servers; their data is kept', 'millrace stack down').action(down);
  add(
    'status',
    'show the state and the port of each server; exit with 1 if one is not ready',
    'millrace stack status --json',
  ).action(status);
  const ADDRESSES = [
    '--addresses <file>',
    'as of `serve`: the servers that run elsewhere',
  ] as const;
  add(
    'verify',
    'check that the stores belong together, and the files of the history; changes nothing',
    'millrace stack verify --data ./stack --deep',
  )
    .option('--deep', 'also decode every row of the history, and look for doubled ones', false)
    .option(...ADDRESSES)
    .action(verify);
  add(
    'repair',
    'make the registry’s database and its topic whole from each other; no gateway may run',
    'millrace stack repair --data ./stack',
  )
    .option(...ADDRESSES)
    .action(repair);
  add(
    'logs',
    'print the last 100 lines of a server’s log',
    'millrace stack logs taskmanager --follow',
  )
    .argument('<server>', 'name of the server, from `millrace stack status`')
    .option('--follow', 'also print new lines as they are written')
    .action(logs);
};
