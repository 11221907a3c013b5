/** The options of `serve` for the profile stack. */
import type { Command } from 'commander';
import { wholeOption } from './usage.ts';

export const addStackOptions = (command: Command): Command =>
  command
    .option(
      '--stack <dir>',
      'profile stack: directory of the servers, the --data of `millrace stack up`',
      '.millrace-stack',
    )
    .option(
      '--stack-port <n>',
      'profile stack: first port of the servers, the --base-port of `millrace stack up`',
      wholeOption('--stack-port'),
      7420,
    )
    .option(
      '--addresses <file>',
      'profile stack: JSON file with the addresses of servers that run elsewhere',
    )
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
