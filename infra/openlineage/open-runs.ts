/**
 * Data sets that are being made, each in a file beside them until it has ended: who comes after a
 * process that was killed tells of the end that it could not tell. A file of a process that lives
 * is left alone.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { DatasetTold } from '#projections/lineage/dataset-runs.ts';

interface OpenRun {
  readonly host: string;
  readonly pid: number;
  readonly told: DatasetTold;
}

export interface OpenRuns {
  readonly begun: (told: DatasetTold) => void;
  readonly ended: (id: string) => void;
}

const END = '.run.json';

const lives = ({ host, pid }: OpenRun): boolean => {
  // Of another machine: who can say?
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

/** @param onLeft called for each that was left by a process that is gone, as it then was */
export const openRuns = (directory: string, onLeft: (told: DatasetTold) => void): OpenRuns => {
  mkdirSync(directory, { recursive: true });
  const fileOf = (id: string): string => join(directory, `${id}${END}`);
  for (const name of readdirSync(directory)) {
    if (!name.endsWith(END)) continue;
    const run = read(join(directory, name));
    if (run !== null && lives(run)) continue;
    if (run !== null) onLeft(run.told);
    else rmSync(join(directory, name), { force: true });
  }
  return {
    begun(told) {
      // Rows of a spine are the caller's, may be many, and are not told.
      const { spine } = told.request;
      const request = { ...told.request, spine: 'file' in spine ? spine : { rows: [] } };
      const run: OpenRun = { host: hostname(), pid: process.pid, told: { ...told, request } };
      writeFileSync(fileOf(told.status.id), JSON.stringify(run));
    },
    ended: (id) => rmSync(fileOf(id), { force: true }),
  };
};
