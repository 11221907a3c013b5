/**
 * Flink's jobs by name. A job that died with its JobManager is started again from its newest
 * checkpoint. A job whose statements changed is stopped with a savepoint. It goes on from there if
 * its state means the same; otherwise it is started without state, from the offsets that its tables
 * have.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { functionsSql } from '#domain/sql/flink/java-functions.ts';
import { openSession } from '#infra/shared/flink/sql-gateway.ts';
import type { FlinkCluster, FlinkJob } from './cluster.ts';
import { isLiveJob, LIVE_STATES } from './cluster.ts';
import { hashStatements, type JobStore } from './job-store.ts';
import { type JobWork, jobWork } from './job-work.ts';

export interface WantedJob {
  readonly name: string;
  /** statements to run first */
  readonly setup: readonly string[];
  /** the INSERT or statement set */
  readonly statement: string;
  readonly properties?: Readonly<Record<string, string>>;
  /**
   * the raw offsets at which the job first started, by partition: kept with it, and passed to
   * `make` when it is started again
   */
  readonly startOffsets?: readonly number[];
  /** what the job reads of the history besides the log: kept with it, too */
  readonly historyQuery?: string | null;
  /** its watermark, by partition: kept with it, because it decides which events are late */
  readonly historyMarks?: readonly (number | null)[];
  /**
   * compute jobs: all updates of the job's state are in features.<view> from these offsets on, by
   * partition; absent: not known
   */
  readonly updatesFrom?: readonly number[];
}

export interface JobIdentity {
  /** what the job's state means: state of another meaning is not used */
  readonly state: string;
  /**
   * what it runs: if that changes, it is stopped and goes on with its state; absent: `state` says
   */
  readonly statements?: string;
}

export interface JobsOptions {
  readonly cluster: FlinkCluster;
  readonly gateway: string;
  readonly jobStore: JobStore;
  readonly savepoints: string;
  readonly warn: (message: string) => void;
}

/**
 * `restored`: with the state of a job of the same meaning. `fresh`: without state; `afterCrash`
 * where an older job of that name died without a savepoint: what its sinks committed last may then
 * differ between them.
 */
export type JobStart =
  | {
      readonly kind: 'restored';
      readonly historyQuery: string | null;
      readonly historyMarks: readonly (number | null)[];
      readonly updatesFrom?: readonly number[];
    }
  | { readonly kind: 'fresh'; readonly afterCrash: boolean };

export interface FlinkJobs {
  /**
   * Starts the job unless it runs with the same identity. Resolves with its id.
   * @param make the job for this start; `startOffsets` are those of an earlier start
   */
  readonly ensure: (
    name: string,
    identity: JobIdentity,
    make: (start: JobStart, startOffsets: readonly number[] | null) => Promise<WantedJob>,
  ) => Promise<string>;
  /** Stops a job with a savepoint; does nothing where it does not run. */
  readonly stop: (name: string) => Promise<void>;
  /** Cancels a job and keeps what is stored of it: it can be started again from a checkpoint. */
  readonly halt: (name: string) => Promise<void>;
  /** Cancels a job and forgets its state. */
  readonly discard: (name: string) => Promise<void>;
  /** what is stored as `updatesFrom` of a job; null: not known */
  readonly updatesFrom: (name: string) => Promise<readonly number[] | null>;
  /** what this process is doing with the jobs */
  readonly work: Pick<JobWork, 'doing' | 'failure'>;
  readonly running: () => Promise<readonly FlinkJob[]>;
}

/** A job that is starting cannot be stopped with a savepoint: this is how long a stop waits. */
const START_MS = 30_000;
const ENDING: ReadonlySet<string> = new Set([...LIVE_STATES, 'CANCELLING']);

const BASE_PROPERTIES: Readonly<Record<string, string>> = {
  'table.local-time-zone': 'UTC',
  // The default sink loses rows of bounded jobs whose writers end at different times.
  'table.exec.iceberg.use-v2-sink': 'true',
  'table.exec.sink.upsert-materialize': 'NONE',
  'table.exec.source.idle-timeout': '5 s',
};

export const flinkJobs = ({
  cluster,
  gateway,
  jobStore,
  savepoints,
  warn,
}: JobsOptions): FlinkJobs => {
  const work = jobWork();

  const submit = async (job: WantedJob, from: string | null): Promise<string> => {
    work.step(job.name, 'opening a session of the SQL gateway');
    const session = await openSession(gateway, {
      ...BASE_PROPERTIES,
      ...job.properties,
      'pipeline.name': job.name,
      ...(from === null ? {} : { 'execution.state-recovery.path': from }),
    });
    try {
      const setup = [...functionsSql([...job.setup, job.statement]), ...job.setup];
      for (const [i, sql] of setup.entries()) {
        work.step(job.name, `declaring tables and functions: ${i + 1} of ${setup.length}`);
        await session.run(sql);
      }
      work.step(job.name, 'planning and submitting the job');
      return await session.submit(job.statement);
    } finally {
      await session.close();
    }
  };

  const live = async (name: string): Promise<readonly FlinkJob[]> =>
    (await cluster.jobs())
      .filter((job) => job.name === name && LIVE_STATES.has(job.state))
      .sort((a, b) => a.startedAt - b.startedAt);

  const stateOf = async (id: string): Promise<string> =>
    (await cluster.jobs()).find((job) => job.id === id)?.state ?? 'gone';

  /** Waits until the job can be stopped with a savepoint; false: it fails, or does not start. */
  const isStoppable = async (id: string): Promise<boolean> => {
    for (const deadline = Date.now() + START_MS; Date.now() < deadline; await sleep(200)) {
      const state = await stateOf(id);
      if (state === 'RESTARTING' || state === 'FAILING' || !LIVE_STATES.has(state)) return false;
      if (state === 'RUNNING' && (await cluster.isRunning(id))) return true;
    }
    return false;
  };

  const end = async (job: FlinkJob): Promise<void> => {
    if (LIVE_STATES.has(await stateOf(job.id))) await cluster.cancel(job.id);
    for (
      const deadline = Date.now() + START_MS;
      Date.now() < deadline && ENDING.has(await stateOf(job.id));
    )
      await sleep(200);
  };

  /** Stops with a savepoint. A failing job cannot make one: it is cancelled. */
  const stopOne = async (job: FlinkJob): Promise<void> => {
    const stored = await jobStore.find(job.name);
    work.step(job.name, 'waiting until it can be stopped');
    if (!(await isStoppable(job.id))) return end(job);
    work.step(job.name, 'stopping it with a savepoint');
    try {
      const savepoint = await cluster.stop(job.id, savepoints);
      if (stored !== null) await jobStore.write({ ...stored, savepoint });
    } catch (error) {
      if ((await stateOf(job.id)) === 'RUNNING' && (await cluster.isRunning(job.id))) throw error;
      await end(job);
    }
  };

  const ensure: FlinkJobs['ensure'] = async (name, identity, make) => {
    const hash = hashStatements([identity.state]);
    const runs = identity.statements === undefined ? null : hashStatements([identity.statements]);
    const [running, ...extra] = await live(name);
    for (const job of extra) await cluster.cancel(job.id);
    if (running !== undefined) {
      const current = await jobStore.find(name);
      if (current?.hash === hash && (current.runs ?? null) === runs) return running.id;
      await stopOne(running);
    }
    const stored = await jobStore.find(name);
    const same = stored?.hash === hash ? stored : null;
    const from =
      same === null
        ? null
        : (same.savepoint ?? (await jobStore.checkpoint(same)) ?? same.from ?? null);
    if (stored !== null && running === undefined && from !== null)
      warn(`Flink's job ${name} was gone: started again from ${from}`);
    const afterCrash = stored !== null && stored.savepoint === null;
    work.step(name, 'preparing its tables');
    const job = await make(
      from === null
        ? { kind: 'fresh', afterCrash }
        : {
            kind: 'restored',
            historyQuery: same?.historyQuery ?? null,
            historyMarks: same?.historyMarks ?? [],
            ...(same?.updatesFrom === undefined ? {} : { updatesFrom: same.updatesFrom }),
          },
      same?.startOffsets ?? same?.born ?? null,
    );
    const id = await submit(job, from);
    await jobStore.write({
      name,
      id,
      hash,
      savepoint: null,
      from,
      ...(runs === null ? {} : { runs }),
      ...(job.startOffsets === undefined ? {} : { startOffsets: job.startOffsets }),
      ...(job.historyQuery == null ? {} : { historyQuery: job.historyQuery }),
      ...(job.historyMarks === undefined ? {} : { historyMarks: job.historyMarks }),
      ...(job.updatesFrom === undefined ? {} : { updatesFrom: job.updatesFrom }),
    });
    return id;
  };

  return {
    ensure: (name, identity, make) => work.on(name, () => ensure(name, identity, make)),
    work,
    stop: (name) =>
      work.on(name, async () => {
        for (const job of await live(name)) await stopOne(job);
      }),
    halt: (name) =>
      work.on(name, async () => {
        for (const job of await live(name)) await cluster.cancel(job.id);
      }),
    discard: (name) =>
      work.on(name, async () => {
        for (const job of await live(name)) await cluster.cancel(job.id);
        await jobStore.forget(name);
      }),
    updatesFrom: async (name) => (await jobStore.find(name))?.updatesFrom ?? null,
    running: async () => (await cluster.jobs()).filter(isLiveJob),
  };
};
