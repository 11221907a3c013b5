/**
 * What a job manager without high availability forgets when it dies: which job ran what, so that it can be started again from its newest
 * checkpoint. One small file a job, beside the checkpoints themselves: who has the one has the other.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hash64 } from '#domain/views/hash.ts';

export interface BookedJob {
  readonly name: string;
  readonly id: string;
  /** of the statements it runs: state of other statements is not its own */
  readonly hash: string;
  /** where it was stopped cleanly; null: it runs, or died */
  readonly savepoint: string | null;
  readonly born?: readonly number[];
}

export interface JobBook {
  readonly find: (name: string) => BookedJob | null;
  readonly write: (job: BookedJob) => void;
  readonly forget: (name: string) => void;
  /** The newest complete checkpoint of a job that died; null where it had none. */
  readonly checkpoint: (job: BookedJob) => string | null;
}

export const hashStatements = (statements: readonly string[]): string => hash64(statements.join(';\n'));

const listed = (directory: string): string[] => {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
};

export const openJobBook = (directory: string, checkpoints: string): JobBook => {
  mkdirSync(directory, { recursive: true });
  const fileOf = (name: string): string => join(directory, `${encodeURIComponent(name)}.json`);
  return {
    find(name) {
      try {
        return JSON.parse(readFileSync(fileOf(name), 'utf8')) as BookedJob;
      } catch {
        return null;
      }
    },
    write(job) {
      const file = fileOf(job.name);
      writeFileSync(`${file}.new`, JSON.stringify(job));
      renameSync(`${file}.new`, file);
    },
    forget: (name) => rmSync(fileOf(name), { force: true }),
    checkpoint(job) {
      const home = join(checkpoints, job.id);
      // A checkpoint is complete when its _metadata is there.
      const complete = listed(home)
        .filter((name) => name.startsWith('chk-'))
        .map((name) => ({ number: Number(name.slice(4)), path: join(home, name) }))
        .filter(({ path }) => (statSync(join(path, '_metadata'), { throwIfNoEntry: false })?.size ?? 0) > 0)
        .sort((a, b) => b.number - a.number);
      return complete[0]?.path ?? null;
    },
  };
};
