/** The command line as a process. */

import { runProgram } from './run-program.ts';

// A reader that stops early, such as `head`, is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? 0 : 1),
);

process.exitCode = await runProgram(process.argv.slice(2));
// Open keep-alive connections would keep the process running. Pipes get all output before the exit.
process.stdout.write('', () => process.stderr.write('', () => process.exit()));
