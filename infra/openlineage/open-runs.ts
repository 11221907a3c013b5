/**
 * Data sets that are being made, each in a small file until it has ended. A process that starts
 * after another one was killed reports the end of the runs that it left; files of processes that
 * are alive are not touched.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { DatasetChange, OpenRuns } from '#domain/ports/lineage.ts';

interface OpenRun {
  readonly host: string;
  readonly pid: number;
  /** `told` in the files: its name in version 0.1 */
  readonly told: DatasetChange;
}

const END = '.run.json';

const lives = ({ host, pid }: OpenRun): boolean => {
  // Of another machine: it may be alive.
  if (host !== hostname()) return true;
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

const read = (file: string): OpenRun | null => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as OpenRun;
  } catch {
    return null;
  }
};

/** @param onAbandoned called for each run that a process which no longer lives has left */
export const openRuns = (
  directory: string,
  onAbandoned: (change: DatasetChange) => void,
): OpenRuns => {
  mkdirSync(directory, { recursive: true });
  const fileOf = (id: string): string => join(directory, `${id}${END}`);
  for (const name of readdirSync(directory)) {
    if (!name.endsWith(END)) continue;
    const run = read(join(directory, name));
    if (run !== null && lives(run)) continue;
    if (run !== null) onAbandoned(run.told);
    else rmSync(join(directory, name), { force: true });
  }
  return {
    begun(change) {
      // The rows of a spine are not in lineage events, and may be many: they are not kept.
      const { spine } = change.request;
      const request = { ...change.request, spine: 'file' in spine ? spine : { rows: [] } };
      const run: OpenRun = { host: hostname(), pid: process.pid, told: { ...change, request } };
      writeFileSync(fileOf(change.status.id), JSON.stringify(run));
    },
    ended: (id) => rmSync(fileOf(id), { force: true }),
  };
};
