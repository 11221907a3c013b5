/**
 * Who starts or stops the servers of a directory: one process at a time. The guard is SQLite's
 * exclusive lock on a small file, which the operating system takes back however its holder dies;
 * the pid beside it is only for the message.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '#domain/errors.ts';

const holderOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return 'another process';
  }
};

/** @returns lets go */
export const lockStack = (directory: string, what: 'up' | 'down'): (() => void) => {
  const run = join(directory, 'run');
  mkdirSync(run, { recursive: true });
  const holder = join(run, 'lock.holder');
  const guard = new DatabaseSync(join(run, 'lock.db'), { timeout: 0 });
  try {
    guard.exec('BEGIN EXCLUSIVE');
  } catch {
    guard.close();
    throw new MillraceError(
      'MR_STACK_FAILED',
      `${holderOf(holder)} is starting or stopping the servers in ${directory}: wait until it has, or interrupt it (an interrupted \`stack up\` stops what it began)`,
      { directory },
    );
  }
  writeFileSync(holder, `\`stack ${what}\`, process ${process.pid},\n`);
  return () => guard.close();
};
