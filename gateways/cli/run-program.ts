/** Runs the program on its arguments. Exit status: 0 done, 1 refused or failed, 2 wrong usage. */

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

/**
 * @param args without the program's name
 * @returns the exit status; commands that are done but found a problem set `process.exitCode`
 */
export const runProgram = async (args: readonly string[]): Promise<number> => {
  const program = await createProgram(args);
  try {
    await program.parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return report(error, program.opts().json === true);
  }
};
