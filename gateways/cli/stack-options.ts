/** The options that name the servers of the stack profile, for all commands that reach them. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { StackAddresses } from '#infra/stack/addresses.ts';
import { wholeOption } from './usage.ts';

export interface StackServerOptions {
  readonly stack: string;
  readonly stackPort: number;
  readonly addresses?: string;
}

export const DEFAULT_STACK = '.millrace-stack';
export const DEFAULT_STACK_PORT = 7420;

/** The base port of the servers in a directory, if they were started before. */
export const basePortOf = (directory: string): number => {
  const file = join(directory, 'stack.json');
  return existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { basePort: number }).basePort
    : DEFAULT_STACK_PORT;
};

export const profileOption = (): Option =>
  new Option(
    '--profile <profile>',
    'embedded: one process; stack: Kafka, Flink and other servers',
  ).choices(['embedded', 'stack']);

/** Of servers that `millrace stack` runs on this machine. */
export const addLocalStackOptions = (command: Command): Command =>
  command
    .option(
      '--stack <dir>',
      'profile stack: directory of the servers, the --data of `millrace stack up`',
      DEFAULT_STACK,
    )
    .option(
      '--stack-port <n>',
      'profile stack: first port of the servers, the --base-port of `millrace stack up`',
      wholeOption('--stack-port'),
      DEFAULT_STACK_PORT,
    );

export const addStackServerOptions = (command: Command): Command =>
  addLocalStackOptions(command).option(
    '--addresses <file>',
    'profile stack: JSON file with the addresses of servers that run elsewhere',
  );

/** Of `serve`, in addition. */
export const addStackOptions = (command: Command): Command =>
  addStackServerOptions(command)
    .option(
      '--cache-timeout <ms>',
      'profile stack: longest wait of a read for the cache tier, in ms',
      wholeOption('--cache-timeout', 1),
      100,
    )
    .option(
      '--durable-timeout <ms>',
      'profile stack: longest wait of a read for the durable tier, in ms',
      wholeOption('--durable-timeout', 1),
      250,
    )
    .option(
      '--no-projections',
      'profile stack: do not fill the cache tier or read the ingest topics; other processes must do so',
    );

export const stackAddressesOf = async ({
  stack,
  stackPort,
  addresses,
}: StackServerOptions): Promise<StackAddresses> => {
  const { stackAddresses } = await import('#infra/stack/addresses.ts');
  const { readAddresses } = await import('#infra/stack/read-addresses.ts');
  const local = stackAddresses(resolve(stack), stackPort);
  return addresses === undefined ? local : readAddresses(addresses, local);
};
