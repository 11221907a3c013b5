/**
 * The job store: which job ran which statements, so that it can be started again from its newest
 * checkpoint. A job manager without high availability forgets that when it dies. It is one small
 * file a job, next to the checkpoints, so that neither is lost without the other.
 */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { hash64 } from '#domain/tiles/hash.ts';

export interface StoredJob {
  readonly name: string;
  readonly id: string;
  /** of its identity: state of a job with another hash cannot be used */
  readonly hash: string;
  /** where it was stopped with a savepoint; null: it runs, or died */
  readonly savepoint: string | null;
  /** what it was started from: its only state until its first checkpoint */
  readonly from?: string | null;
  readonly startOffsets?: readonly number[];
  /** `startOffsets` in files of version 0.1 */
  readonly born?: readonly number[];
}

export interface JobStore {
  readonly find: (name: string) => StoredJob | null;
  /**
   * Folders of state that no stored job continues from: checkpoints of an earlier run, savepoints
   * that a job was started from, and everything of a job that was forgotten.
   */
  readonly left: () => readonly string[];
  readonly removeLeft: (folder: string) => void;
  readonly write: (job: StoredJob) => void;
  readonly forget: (name: string) => void;
  /** The newest complete checkpoint of a job that died; null where it had none. */
  readonly checkpoint: (job: StoredJob) => string | null;
}

export const hashStatements = (statements: readonly string[]): string =>
  hash64(statements.join(';\n'));

const listed = (directory: string): string[] => {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
};

/** The folder of a savepoint, or of all checkpoints of the run that one is of. */
const folderOf = (path: string, checkpoints: string): string => {
  const local = path.replace(/^file:\/*/, '/');
  return local.startsWith(`${checkpoints}/`) ? dirname(local) : local;
};

export const openJobStore = (directory: string, checkpoints: string): JobStore => {
  mkdirSync(directory, { recursive: true });
  const fileOf = (name: string): string => join(directory, `${encodeURIComponent(name)}.json`);
  const read = (file: string): StoredJob | null => {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as StoredJob;
    } catch {
      return null;
    }
  };
  const leftDirectory = join(directory, 'left');
  mkdirSync(leftDirectory, { recursive: true });
  const stateOf = (job: StoredJob | null): readonly string[] =>
    job === null
      ? []
      : [
          join(checkpoints, job.id),
          ...[job.savepoint, job.from ?? null].flatMap((path) =>
            path === null ? [] : folderOf(path, checkpoints),
          ),
        ];
  /**
   * Recorded before the store changes. A folder that is in use again is skipped when the others are
   * deleted.
   */
  const leave = (job: StoredJob | null): void => {
    for (const folder of stateOf(job)) writeFileSync(join(leftDirectory, basename(folder)), folder);
  };
  return {
    find: (name) => read(fileOf(name)),
    left() {
      const kept = new Set(
        listed(directory)
          .filter((name) => name.endsWith('.json'))
          .flatMap((name) => stateOf(read(join(directory, name)))),
      );
      return listed(leftDirectory)
        .map((name) => readFileSync(join(leftDirectory, name), 'utf8'))
        .filter((folder) => !kept.has(folder));
    },
    removeLeft(folder) {
      rmSync(folder, { recursive: true, force: true });
      rmSync(join(leftDirectory, basename(folder)), { force: true });
    },
    write(job) {
      leave(read(fileOf(job.name)));
      const file = fileOf(job.name);
      writeFileSync(`${file}.new`, JSON.stringify(job));
      renameSync(`${file}.new`, file);
    },
    forget(name) {
      leave(read(fileOf(name)));
      rmSync(fileOf(name), { force: true });
    },
    checkpoint(job) {
      const home = join(checkpoints, job.id);
      // A checkpoint is complete when its _metadata is there.
      const complete = listed(home)
        .filter((name) => name.startsWith('chk-'))
        .map((name) => ({ number: Number(name.slice(4)), path: join(home, name) }))
        .filter(
          ({ path }) =>
            (statSync(join(path, '_metadata'), { throwIfNoEntry: false })?.size ?? 0) > 0,
        )
        .sort((a, b) => b.number - a.number);
      return complete[0]?.path ?? null;
    },
  };
};
