import { Command } from 'commander';
import { addAudit } from './commands/audit.ts';
import { addBatch } from './commands/batch.ts';
import { addDataset } from './commands/dataset.ts';
import { addExplain } from './commands/explain.ts';
import { addExport } from './commands/export.ts';
import { addGet } from './commands/get.ts';
import { addImport } from './commands/import.ts';
import { addKeys } from './commands/keys.ts';
import { addPlanAndApply } from './commands/plan-apply.ts';
import { addPublish } from './commands/publish.ts';
import { addRegistry } from './commands/registry.ts';
import { addRejectedAndLate } from './commands/rejected.ts';
import { addReplay } from './commands/replay.ts';
import { addRollup } from './commands/rollup.ts';
import { addServe } from './commands/serve.ts';
import { addFeatureLog } from './commands/served.ts';
import { addSkew } from './commands/skew.ts';
import { addStack } from './commands/stack.ts';
import { addStatus } from './commands/status.ts';
import { DEFAULT_URL } from './context.ts';

const COMMANDS = [
  addServe,
  addPlanAndApply,
  addPublish,
  addImport,
  addExport,
  addGet,
  addDataset,
  addBatch,
  addRollup,
  addReplay,
  addExplain,
  addAudit,
  addFeatureLog,
  addSkew,
  addRejectedAndLate,
  addRegistry,
  addStatus,
  addKeys,
  addStack,
];

/**
 * Commander's refusals are thrown, also by subcommands, so that `main` alone decides on exit codes.
 */
const throwing = (command: Command): void => {
  command.exitOverride().showHelpAfterError('(--help says how)');
  for (const child of command.commands) throwing(child);
};

export const createProgram = (): Command => {
  const program = new Command('millrace')
    .description('A feature platform: events in, fresh features out, every value explained.')
    .version('0.1.0')
    .option('--url <url>', `address of the server (MILLRACE_URL; default ${DEFAULT_URL})`)
    .option('--api-key <key>', 'key of the caller (MILLRACE_API_KEY)')
    .option(
      '--ca <file>',
      "PEM of the authority that signed the server's certificate (MILLRACE_CA)",
    )
    .option(
      '--client-cert <file>',
      'PEM of a certificate to show the server (MILLRACE_CLIENT_CERT)',
    )
    .option('--client-key <file>', 'PEM of its key (MILLRACE_CLIENT_KEY)')
    .option('--json', 'one JSON document, or a line a record for lists')
    .addHelpText(
      'after',
      '\nExample:\n  millrace get delay_model --entity origin=ATL\n\nTimes are ISO 8601 with a zone, or epoch milliseconds. Exit status: 0 done, 1 refused or failed, 2 wrong usage.',
    );
  for (const add of COMMANDS) add(program);
  throwing(program);
  return program;
};
