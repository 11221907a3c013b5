/**
 * Lets only one process at a time start or stop the servers of a directory. The lock is SQLite's
 * exclusive lock on a small file, which the operating system releases however the process ends. The
 * process id in the second file is only for the message.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MillraceError } from '#domain/errors.ts';
import { lockDirectory } from '#infra/shared/sqlite/directory-lock.ts';

const holderOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return 'another process';
  }
};

/** @returns a function that releases the lock */
export const lockStack = (
  directory: string,
  what: 'stack up' | 'stack down' | 'erase',
): (() => void) => {
  const run = join(directory, 'run');
  mkdirSync(run, { recursive: true });
  const holder = join(run, 'lock.holder');
  const guard = lockDirectory(
    run,
    () =>
      new MillraceError(
        'MR_STACK_FAILED',
        `${holderOf(holder)} is starting or stopping the servers in ${directory}: wait until it is done, or interrupt it (an interrupted \`stack up\` stops the servers that it started; an interrupted \`erase\` goes on when it is run again)`,
        { directory },
      ),
  );
  writeFileSync(holder, `\`${what}\`, process ${process.pid},\n`);
  return () => guard.close();
};
