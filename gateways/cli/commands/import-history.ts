import type { Command } from 'commander';
import { query } from '../client.ts';
import { type PublishOptions, publishFile, withFileOptions } from './publish.ts';

interface Options extends PublishOptions {
  readonly reason?: string;
}

export const addImportHistory = (group: Command): void => {
  withFileOptions(
    group
      .command('history')
      .description(
        'import events from before this log, each with the time when it was known; if interrupted, run it again to continue',
      ),
  )
    .option('--reason <text>', 'why, for the audit log')
    .addHelpText(
      'after',
      '\nExample:\n  millrace import history flights 2019.parquet --map known_at=loaded_at --reason "years before Millrace"',
    )
    .action((source: string, file: string, { reason, ...options }: Options, command: Command) =>
      publishFile(source, file, options, command, {
        route: 'history',
        sequences: 'history',
        query: query({ reason }),
      }),
    );
};
