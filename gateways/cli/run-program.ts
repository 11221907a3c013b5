/**
 * Runs the program on its arguments. Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3
 * proposed: it waits for the approval of a second person.
 */

import { CommanderError } from 'commander';
import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';
import { errorText } from './error-text.ts';
import { createProgram } from './program.ts';
import { terminalText } from './terminal-text.ts';
import { UsageError } from './usage.ts';

const PROPOSED = 3;

const report = (error: unknown, json: boolean): number => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UsageError) {
    process.stderr.write(`error: ${terminalText(error.message)}\n`);
    return 2;
  }
  const known =
    error instanceof MillraceError ? error : new MillraceError('MR_INTERNAL', messageOf(error));
  process.stderr.write(terminalText(json ? `${JSON.stringify(known)}\n` : errorText(known)));
  if (known.code === 'MR_INTERNAL' && process.env.MILLRACE_DEBUG !== undefined)
    console.error(error);
  return known.code === 'MR_APPROVAL_REQUIRED' ? PROPOSED : 1;
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
