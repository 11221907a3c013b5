/**
 * Remembers what each Flink job ran, because a JobManager without high availability forgets it when
 * it dies: a job can then be started again from its newest checkpoint. One small file for each job,
 * in the same place as the checkpoints, so that both are lost or kept together.
 */
import { type Directory, joinUri, nameOf } from '#domain/ports/file-io.ts';
import { hash64 } from '#domain/values/hash.ts';
import { locationOf, uriOfLocation } from '#infra/shared/files/hadoop-location.ts';

export interface StoredJob {
  readonly name: string;
  readonly id: string;
  /** of what its state means: another job's state is of no use to it */
  readonly hash: string;
  /** of the statements that it runs, where its state does not depend on all of them */
  readonly runs?: string;
  /** where it was stopped cleanly, as Flink names the place; null: it runs, or died */
  readonly savepoint: string | null;
  /** the state that it was started from, which is all that it has until its first checkpoint */
  readonly from?: string | null;
  readonly startOffsets?: readonly number[];
  readonly historyQuery?: string;
  readonly historyMarks?: readonly (number | null)[];
  readonly updatesFrom?: readonly number[];
  /** `startOffsets` in files of version 0.1 */
  readonly born?: readonly number[];
}

/** A directory of state that no stored job needs any more. */
export interface UnusedState {
  readonly uri: string;
  /** epoch ms: nothing wrote to it, and no job needed it, since then */
  readonly since: number;
}

export interface JobStore {
  readonly find: (name: string) => Promise<StoredJob | null>;
  /**
   * Checkpoints of earlier runs, savepoints that a job has moved on from, and all state of a
   * forgotten job.
   */
  readonly unused: () => Promise<readonly UnusedState[]>;
  readonly deleteUnused: (uri: string) => Promise<void>;
  readonly write: (job: StoredJob) => Promise<void>;
  readonly forget: (name: string) => Promise<void>;
  /**
   * Makes all jobs but the kept ones start without state, and deletes all state that the kept ones
   * do not need. No job may run.
   * @param savepoints of all jobs, as Flink is configured
   * @returns the names of the jobs without state
   */
  readonly dropStates: (
    isKept: (name: string) => boolean,
    savepoints: Directory,
  ) => Promise<readonly string[]>;
  /**
   * The newest complete checkpoint of a job that died, as Flink names the place; null where there
   * is none.
   */
  readonly checkpoint: (job: StoredJob) => Promise<string | null>;
}

export const hashStatements = (statements: readonly string[]): string =>
  hash64(statements.join(';\n'));

/** The id of a job that has no run: it has no checkpoint. */
const NO_RUN = 'none';

const parentOf = (uri: string): string => uri.slice(0, uri.lastIndexOf('/'));

/**
 * @param directory of the files of the jobs; the notes of unused state are in its directory `left`
 * @param checkpoints of all jobs, as Flink is configured
 */
export const openJobStore = (directory: Directory, checkpoints: Directory): JobStore => {
  const { files } = directory;
  const states = checkpoints.files;
  const uriOf = (name: string): string =>
    joinUri(directory.uri, `${encodeURIComponent(name)}.json`);
  const notes = joinUri(directory.uri, 'left');
  const noteOf = (uri: string): string => joinUri(notes, nameOf(uri));

  const textOf = async (uri: string): Promise<string | null> => {
    const bytes = await files.read(uri);
    return bytes === null ? null : Buffer.from(bytes).toString();
  };
  const read = async (uri: string): Promise<StoredJob | null> => {
    const text = await textOf(uri);
    try {
      return text === null ? null : (JSON.parse(text) as StoredJob);
    } catch {
      return null;
    }
  };

  /** The directory of a savepoint, or of all checkpoints of the run that a checkpoint is from. */
  const stateDirectory = (location: string): string => {
    const uri = uriOfLocation(location);
    return uri.startsWith(`${checkpoints.uri}/`) ? parentOf(uri) : uri;
  };
  const stateOf = (job: StoredJob | null): readonly string[] =>
    job === null
      ? []
      : [
          joinUri(checkpoints.uri, job.id),
          ...[job.savepoint, job.from ?? null].flatMap((location) =>
            location === null ? [] : stateDirectory(location),
          ),
        ];
  /**
   * Notes the state of the stored job before the job changes. State that the changed job still
   * needs has a note too: `unused` leaves it out.
   */
  const note = async (job: StoredJob | null): Promise<void> => {
    for (const uri of stateOf(job)) await files.write(noteOf(uri), locationOf(uri));
  };

  const stored = async (): Promise<readonly StoredJob[]> => {
    const uris = (await files.list(directory.uri)).filter(
      (uri) => parentOf(uri) === directory.uri && uri.endsWith('.json'),
    );
    return (await Promise.all(uris.map(read))).filter((job) => job !== null);
  };
  const needed = async (): Promise<ReadonlySet<string>> =>
    new Set((await stored()).flatMap(stateOf));

  /** The directories of single states in one of all states. */
  const statesIn = async ({ files: all, uri }: Directory): Promise<ReadonlySet<string>> =>
    new Set((await all.list(uri)).map((file) => file.slice(0, file.indexOf('/', uri.length + 1))));

  const newestChange = async (note: string, state: string): Promise<number> => {
    const infos = await Promise.all([
      files.stat(note),
      ...(await states.list(state)).map((uri) => states.stat(uri)),
    ]);
    return infos.reduce((newest, info) => Math.max(newest, info?.modifiedAt ?? 0), 0);
  };

  return {
    find: (name) => read(uriOf(name)),
    async unused() {
      const kept = await needed();
      const found: UnusedState[] = [];
      for (const noted of await files.list(notes)) {
        const location = await textOf(noted);
        const uri = location === null ? null : uriOfLocation(location);
        if (uri === null || kept.has(uri)) continue;
        found.push({ uri, since: await newestChange(noted, uri) });
      }
      return found;
    },
    async deleteUnused(uri) {
      await states.deleteDirectory(uri);
      await files.delete(noteOf(uri));
    },
    async write(job) {
      const uri = uriOf(job.name);
      await note(await read(uri));
      await files.write(uri, JSON.stringify(job));
    },
    async forget(name) {
      await note(await read(uriOf(name)));
      await files.delete(uriOf(name));
    },
    async dropStates(isKept, savepoints) {
      const dropped = (await stored()).filter(({ name }) => !isKept(name));
      for (const { historyQuery: _, ...job } of dropped)
        await files.write(
          uriOf(job.name),
          JSON.stringify({ ...job, id: NO_RUN, savepoint: null, from: null }),
        );
      const kept = await needed();
      for (const place of [checkpoints, savepoints])
        for (const uri of await statesIn(place))
          if (!kept.has(uri)) await place.files.deleteDirectory(uri);
      for (const noted of await files.list(notes)) await files.delete(noted);
      return dropped.map(({ name }) => name);
    },
    async checkpoint(job) {
      const home = joinUri(checkpoints.uri, job.id);
      const numbers: number[] = [];
      for (const uri of await states.list(home)) {
        const number = /^\/chk-(\d+)\/_metadata$/.exec(uri.slice(home.length))?.[1];
        // A checkpoint is complete when its _metadata has been written.
        if (number !== undefined && ((await states.stat(uri))?.bytes ?? 0) > 0)
          numbers.push(Number(number));
      }
      return numbers.length === 0 ? null : locationOf(joinUri(home, `chk-${Math.max(...numbers)}`));
    },
  };
};
