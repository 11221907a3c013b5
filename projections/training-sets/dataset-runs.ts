/**
 * The data sets that this gateway builds, and those of all gateways as the store has them. A data
 * set has ended when the store says so: the gateway that built it says `done` no earlier.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type DatasetStatus, noDataset } from '#domain/api/datasets.ts';
import { messageOf } from '#domain/error-message.ts';
import { MillraceError, type Problem } from '#domain/errors.ts';
import type { DatasetJob, DatasetJobs, FoundDatasetJob } from '#domain/ports/dataset-jobs.ts';
import type { TrainingSetBuilder } from '#domain/ports/training-set-builder.ts';
import { type FileRemover, removeFailed } from './failed-files.ts';
import { storedError } from './stored-error.ts';

/** How often a gateway renews its heartbeat, and looks for wishes. */
const HEARTBEAT_MS = 1_000;
/** A gateway without a heartbeat for so long has ended, or takes back what it builds. */
export const ABANDONED_MS = 30_000;
/** How long a cancellation waits for the gateway that builds the data set. */
const CANCEL_MS = 5_000;
const POLL_MS = 100;
/** Errors with their whole messages that are kept in memory. */
const KEPT_ERRORS = 100;
/** Ended data sets that a start looks through for files that were left. */
const SWEPT = 1_000;

export interface DatasetRunsDependencies {
  readonly jobs: DatasetJobs;
  readonly builder: FileRemover & Pick<TrainingSetBuilder, 'outputBytes'>;
  readonly gateway: { readonly id: string; readonly host: string };
  readonly now: () => number;
  readonly newId: () => string;
  readonly warn: (message: string) => void;
  readonly heartbeatMs?: number;
  readonly abandonedMs?: number;
}

export interface DatasetRun {
  readonly job: DatasetJob;
  readonly signal: AbortSignal;
  readonly update: (patch: Partial<Pick<DatasetStatus, 'stage' | 'progress' | 'version'>>) => void;
  /** resolves to the ended job */
  readonly done: Promise<DatasetJob>;
}

export type Built = Pick<DatasetStatus, 'rows' | 'features'>;

export interface DatasetRuns {
  /**
   * Resolves when the data set is stored; `build` then runs.
   * @param jobOf the job by its id, which may be called again with another one
   */
  readonly begin: (
    jobOf: (id: string) => Omit<DatasetJob, 'gateway' | 'host' | 'bytes'>,
    build: (run: DatasetRun) => Promise<Built>,
  ) => Promise<DatasetRun>;
  /** @throws MR_NOT_FOUND */
  readonly find: (id: string) => Promise<DatasetJob>;
  readonly newest: (limit: number) => Promise<readonly DatasetJob[]>;
  readonly cancel: (id: string) => Promise<DatasetJob>;
  readonly ended: (id: string) => Promise<void>;
  /** Ends what gateways that have ended were building, and removes their partial files. */
  readonly recover: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export const problemOf = (error: unknown): Problem =>
  error instanceof MillraceError
    ? error.toJSON()
    : {
        code: 'MR_DATASET_FAILED',
        message: `the data set could not be built: ${messageOf(error)}`,
      };

const GATEWAY_ENDED = {
  code: 'MR_DATASET_FAILED',
  message: 'the gateway that built it ended: start it again',
  details: { gatewayEnded: true },
} as const satisfies Problem;

interface Running {
  job: DatasetJob;
  readonly abort: AbortController;
  cancelled: boolean;
  done: Promise<DatasetJob>;
}

type End = Pick<DatasetStatus, 'state'> & Partial<Built & Pick<DatasetStatus, 'error'>>;

export const createDatasetRuns = (dependencies: DatasetRunsDependencies): DatasetRuns => {
  const { jobs, builder, gateway, now, newId, warn } = dependencies;
  const { heartbeatMs = HEARTBEAT_MS, abandonedMs = ABANDONED_MS } = dependencies;
  const runs = new Map<string, Running>();
  const errors = new Map<string, Problem>();
  const closing = new AbortController();

  const patched = (job: DatasetJob, patch: Partial<DatasetStatus>): DatasetJob => ({
    ...job,
    status: { ...job.status, ...patch },
  });
  const endedAs = (job: DatasetJob, { state, ...rest }: End): DatasetJob =>
    patched(job, {
      ...rest,
      state,
      stage: state,
      ...(state === 'done' ? { progress: 1 } : {}),
      finishedAt: now(),
    });
  const sweep = async (job: DatasetJob): Promise<void> => {
    try {
      await removeFailed(job, builder, gateway.host);
    } catch (error) {
      warn(`files of data set ${job.status.id} could not be removed: ${messageOf(error)}`);
    }
  };

  /** The whole message of an error, where this gateway has it. */
  const whole = (job: DatasetJob): DatasetJob => {
    const error = errors.get(job.status.id);
    return error === undefined || job.status.error === null ? job : patched(job, { error });
  };
  const remember = (id: string, error: Problem | null): void => {
    if (error === null) return;
    errors.set(id, error);
    for (const [oldest] of errors) {
      if (errors.size <= KEPT_ERRORS) break;
      errors.delete(oldest);
    }
  };

  const stored = async (id: string): Promise<DatasetJob> =>
    (await jobs.find(id))?.job ?? noDataset(id);
  const abandon = async (job: DatasetJob): Promise<DatasetJob> => {
    const ended = endedAs(job, { state: 'failed', error: GATEWAY_ENDED });
    const mine = await jobs.end(ended, { quietMs: jobs.shared ? abandonedMs : null });
    if (mine) await sweep(ended);
    return mine ? ended : stored(job.status.id);
  };
  const current = async ({ job, quietMs }: FoundDatasetJob): Promise<DatasetJob> => {
    const { id, state } = job.status;
    if (state !== 'running') return whole(job);
    const run = runs.get(id);
    if (run !== undefined) return run.job;
    if (job.gateway === gateway.id || (jobs.shared && quietMs <= abandonedMs)) return job;
    return abandon(job);
  };
  const find = async (id: string): Promise<DatasetJob> => {
    const run = runs.get(id);
    if (run !== undefined) return run.job;
    const found = await jobs.find(id);
    return found === null ? noDataset(id) : current(found);
  };

  /** Stores how it ended, again while the store does not answer. */
  const settle = async (running: Running, end: End): Promise<DatasetJob> => {
    const { id, out } = running.job.status;
    const bytes = end.state === 'done' ? await builder.outputBytes(out) : null;
    const ended = { ...endedAs(running.job, end), bytes };
    const { error } = ended.status;
    const kept = error === GATEWAY_ENDED ? error : storedError(error);
    for (let told = false; ; told = true) {
      try {
        if (await jobs.end(patched(ended, { error: kept }), { gateway: gateway.id })) {
          remember(id, error);
          return ended;
        }
        // Another gateway has ended it: this one was silent for too long.
        await sweep(running.job);
        return (
          (await jobs.find(id))?.job ??
          endedAs(running.job, { state: 'failed', error: GATEWAY_ENDED })
        );
      } catch (problem) {
        if (!told) warn(`the end of data set ${id} is not stored yet: ${messageOf(problem)}`);
        if (closing.signal.aborted) return running.job;
        await sleep(heartbeatMs, undefined, { signal: closing.signal }).catch(() => undefined);
      }
    }
  };

  const work = async (running: Running, build: () => Promise<Built>): Promise<DatasetJob> => {
    const { signal } = running.abort;
    let end: End;
    try {
      end = { state: 'done', ...(await build()) };
    } catch (error) {
      if (!signal.aborted) end = { state: 'failed', error: problemOf(error) };
      else if (running.cancelled) end = { state: 'cancelled' };
      else end = { state: 'failed', error: GATEWAY_ENDED };
    }
    const { id } = running.job.status;
    running.job = await settle(running, end);
    runs.delete(id);
    return running.job;
  };

  const cancelRun = (running: Running): void => {
    running.cancelled = true;
    running.abort.abort();
  };

  const renew = async (): Promise<void> => {
    const told = [...runs.values()].map(({ job }) => job.status);
    const held = await jobs.renew(gateway.id, told);
    for (const { id } of told) {
      const running = runs.get(id);
      if (running === undefined) continue;
      const wished = held.get(id);
      if (wished === undefined) running.abort.abort();
      else if (wished) cancelRun(running);
    }
  };
  let renewing = false;
  const tick = async (): Promise<void> => {
    if (renewing || runs.size === 0) return;
    renewing = true;
    // The next heartbeat tries again; a store that does not answer is reported by what needs it.
    await renew().catch(() => undefined);
    renewing = false;
  };
  const timer = jobs.shared ? setInterval(() => void tick(), heartbeatMs) : null;
  timer?.unref();

  return {
    async begin(jobOf, build) {
      for (;;) {
        const id = `ds-${newId().slice(0, 8)}`;
        const { id: gatewayId, host } = gateway;
        const job: DatasetJob = { ...jobOf(id), gateway: gatewayId, host, bytes: null };
        if (!(await jobs.begin(job))) continue;
        const abort = new AbortController();
        if (closing.signal.aborted) abort.abort();
        const running: Running = { job, abort, cancelled: false, done: Promise.resolve(job) };
        runs.set(id, running);
        const run: DatasetRun = {
          get job() {
            return running.job;
          },
          signal: abort.signal,
          update(patch) {
            running.job = patched(running.job, patch);
          },
          get done() {
            return running.done;
          },
        };
        running.done = work(running, () => build(run));
        return run;
      }
    },
    find,
    newest: async (limit) => Promise.all((await jobs.newest(limit)).map(current)),
    async cancel(id) {
      const running = runs.get(id);
      if (running !== undefined) {
        cancelRun(running);
        return running.done;
      }
      let job = await find(id);
      if (job.status.state !== 'running') return job;
      await jobs.wishCancel(id);
      for (
        let waited = 0;
        waited < CANCEL_MS && job.status.state === 'running';
        waited += POLL_MS
      ) {
        await sleep(POLL_MS);
        job = await find(id);
      }
      return job;
    },
    async ended(id) {
      const running = runs.get(id);
      if (running !== undefined) return void (await running.done);
      while ((await find(id)).status.state === 'running') await sleep(POLL_MS);
    },
    async recover() {
      for (const found of await jobs.running()) await current(found);
      for (const { job } of await jobs.newest(SWEPT))
        if (job.host === gateway.host && job.status.error?.details?.['gatewayEnded'] === true)
          await sweep(job);
    },
    async close() {
      closing.abort();
      for (const { abort } of runs.values()) abort.abort();
      await Promise.all([...runs.values()].map(({ done }) => done));
      if (timer !== null) clearInterval(timer);
    },
  };
};
