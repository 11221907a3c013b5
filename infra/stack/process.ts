/**
 * Runs servers as ordinary processes that outlive this one. Each has its own process group, a file
 * with its output, and a file with its pid and start time. The start time distinguishes the server
 * from a later process with the same pid.
 */

import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '#domain/errors.ts';

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

interface PidFile {
  readonly pid: number;
  readonly started: string;
}

/** Field 22 of /proc/<pid>/stat; the name before it, in parentheses, may have spaces. */
const startedAt = (pid: number): string | null => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // An ended first thread is a zombie while other threads still use the ports.
    const over = fields[0] === 'Z' && readdirSync(`/proc/${pid}/task`).length <= 1;
    return over ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
};

/** The pid of the server in this file; null if it no longer runs. */
export const runningPid = (pidFile: string): number | null => {
  try {
    const { pid, started } = JSON.parse(readFileSync(pidFile, 'utf8')) as PidFile;
    return startedAt(pid) === started ? pid : null;
  } catch {
    // The file is absent, or incomplete after a full disk: no server is known to run.
    return null;
  }
};

/** Writes atomically: a reader finds the old file or the complete new one. */
export const writeWhole = (path: string, text: string): void => {
  const part = `${path}.${process.pid}.part`;
  writeFileSync(part, text);
  renameSync(part, path);
};

export const launch = (
  { command, args, cwd, env }: Launch,
  pidFile: string,
  logFile: string,
): number => {
  for (const path of [pidFile, logFile]) mkdirSync(dirname(path), { recursive: true });
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  child.on('error', () => {});
  child.unref();
  const { pid } = child;
  if (pid === undefined)
    throw new MillraceError(
      'MR_STACK_FAILED',
      `\`${command}\` could not be run: install it and try again`,
      { command },
    );
  writeWhole(pidFile, JSON.stringify({ pid, started: startedAt(pid) ?? '' } satisfies PidFile));
  return pid;
};

export const memoryOf = (pid: number): number | null => {
  try {
    const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return line === null ? null : Number(line[1]) * 1024;
  } catch {
    return null;
  }
};

export const signal = (pidFile: string, name: NodeJS.Signals): boolean => {
  const pid = runningPid(pidFile);
  if (pid === null) return false;
  try {
    process.kill(-pid, name);
  } catch {
    return false;
  }
  return true;
};

/** Ends a server: first with the given signal, and with SIGKILL after `graceMs`. */
export const end = async (
  pidFile: string,
  graceMs: number,
  first: NodeJS.Signals = 'SIGTERM',
): Promise<void> => {
  signal(pidFile, first);
  for (
    const deadline = Date.now() + graceMs;
    runningPid(pidFile) !== null && Date.now() < deadline;
  )
    await sleep(50);
  if (signal(pidFile, 'SIGKILL')) while (runningPid(pidFile) !== null) await sleep(20);
  rmSync(pidFile, { force: true });
};

export const lastLines = (logFile: string, lines = 15): string =>
  existsSync(logFile)
    ? readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
    : '';
