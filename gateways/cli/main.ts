/** The command line. Exit status: 0 done, 1 refused or failed, 2 wrong usage. */

import { CommanderError } from 'commander';
import { messageOf } from '#domain/error-message.ts';
import { ERRORS, MillraceError } from '#domain/errors.ts';
import { createProgram } from './program.ts';
import { UsageError } from './usage.ts';

const report = (error: unknown, json: boolean): number => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UsageError) {
    process.stderr.write(`error: ${error.message}\n`);
    return 2;
  }
  const known =
    error instanceof MillraceError ? error : new MillraceError('MR_INTERNAL', messageOf(error));
  const remedy = ERRORS[known.code]?.remedy;
  if (json) process.stderr.write(`${JSON.stringify(known)}\n`);
  else
    process.stderr.write(
      `error ${known.code}: ${known.message}\n${remedy === undefined ? '' : `  ${remedy}\n`}`,
    );
  if (known.code === 'MR_INTERNAL' && process.env.MILLRACE_DEBUG !== undefined)
    console.error(error);
  return 1;
};

// a reader that has seen enough, such as `head`, is no failure
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? 0 : 1),
);

const program = await createProgram(process.argv.slice(2));
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error, program.opts().json === true);
}
// kept-alive connections would hold the process; what is written must still reach a pipe
process.stdout.write('', () => process.stderr.write('', () => process.exit()));
