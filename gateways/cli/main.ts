/** The command line as a process. */

import { runProgram } from './run-program.ts';

// A reader that stops early, such as `head`, is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? 0 : 1),
);

// `scripts/millrace.mjs` starts this process with a channel: when that process is gone, however it
// ended, this one stops as it does on SIGTERM.
if (process.channel !== undefined) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel?.unref();
}

process.exitCode = await runProgram(process.argv.slice(2));
// Open keep-alive connections would keep the process running. Pipes get all output before the exit.
process.stdout.write('', () => process.stderr.write('', () => process.exit()));
