/** The command line. Exit status: 0 done, 1 refused or failed, 2 wrong usage. */
import { CommanderError } from 'commander';
import { ERRORS, MillraceError } from '#domain/errors.ts';
import { createProgram } from './program.ts';
import { UsageError } from './usage.ts';

const report = (error: unknown, json: boolean): number => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UsageError) {
    process.stderr.write(`error: ${error.message}\n`);
    return 2;
  }
  const refusal =
    error instanceof MillraceError
      ? error
      : new MillraceError('MR_INTERNAL', error instanceof Error ? error.message : String(error));
  const remedy = ERRORS[refusal.code]?.remedy;
  if (json) process.stderr.write(`${JSON.stringify(refusal)}\n`);
  else
    process.stderr.write(
      `error ${refusal.code}: ${refusal.message}\n${remedy === undefined ? '' : `  ${remedy}\n`}`,
    );
  if (refusal.code === 'MR_INTERNAL' && process.env.MILLRACE_DEBUG !== undefined)
    console.error(error);
  return 1;
};

// A reader that stops early, such as `head`, is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? 0 : 1),
);

const program = await createProgram(process.argv.slice(2));
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error, program.opts().json === true);
}
// Kept-alive connections would keep the process running. Output must reach the pipe before the
// exit.
process.stdout.write('', () => process.stderr.write('', () => process.exit()));
