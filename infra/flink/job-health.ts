/** How Flink's jobs are doing, as every process reports it in `status`. */

import type { EngineJob } from '#domain/api/operations.ts';
import { messageOf } from '#domain/error-message.ts';
import type { FlinkCluster, FlinkJob } from './cluster.ts';
import type { FlinkGeneration } from './generation.ts';
import type { FlinkJobs } from './jobs.ts';
import { computeJob } from './sql/names.ts';

export interface JobHealth {
  /** Looks at all jobs again. @throws where Flink does not answer: every job is then `unknown` */
  readonly inspect: () => Promise<void>;
  /** the jobs that serve all views, as last seen */
  readonly writing: () => readonly EngineJob[];
}

export interface JobHealthOptions {
  readonly jobs: Pick<FlinkJobs, 'running' | 'work'>;
  readonly cluster: Pick<FlinkCluster, 'health' | 'isRunning'>;
  readonly generations: () => readonly FlinkGeneration[];
  /** names of the jobs that serve all views */
  readonly writingJobs: () => readonly string[];
  readonly now?: () => number;
}

const gone = (name: string): EngineJob => ({
  name,
  state: 'gone',
  restarts: 0,
  failure: null,
  checkpointAt: null,
});

/**
 * A job whose task manager is gone is RUNNING for Flink, while its tasks wait for slots. This is
 * the state that is shown of it.
 */
const WAITING = 'WAITING FOR TASKS';
/** A job that starts has tasks that do not run yet, for so long at most. */
const START_MS = 30_000;
/**
 * The job of a new view, until Flink has it: another process may be starting it. Reads do not need
 * it yet. After this time it counts as gone.
 */
const STARTING = 'starting';
const STARTING_MS = 300_000;

const failureOf = ({ name, state, failure }: EngineJob): Error | null =>
  state === 'RUNNING' || state === STARTING
    ? null
    : new Error(`Flink's job ${name} is ${state}${failure === null ? '' : `: ${failure}`}`);

const jobOf = ({ spec }: FlinkGeneration): string => computeJob(spec.view, spec.generation);

export const jobHealth = ({
  jobs,
  cluster,
  generations,
  writingJobs,
  now = Date.now,
}: JobHealthOptions): JobHealth => {
  let writing: readonly EngineJob[] = [];
  /** ids of the jobs whose tasks were all seen to run */
  const ran = new Set<string>();
  /** name of a job that was never seen → since when it is missed, epoch ms; null: it was seen */
  const missedSince = new Map<string, number | null>();

  const isStarting = (generation: FlinkGeneration, name: string): boolean => {
    if (!generation.isFolded() || jobs.work.failure(name) !== null) return false;
    const since = missedSince.get(name);
    if (since === undefined) missedSince.set(name, now());
    return since === undefined || (since !== null && now() - since < STARTING_MS);
  };

  const stateOf = async ({ id, state, startedAt }: FlinkJob): Promise<string> => {
    if (state !== 'RUNNING') return state;
    const runs = await cluster.isRunning(id).catch(() => null);
    if (runs === true) ran.add(id);
    return runs === false && (ran.has(id) || now() - startedAt > START_MS) ? WAITING : state;
  };

  const healthOf = async (all: readonly FlinkJob[], name: string): Promise<EngineJob> => {
    const job = all.find((one) => one.name === name);
    const step = jobs.work.doing(name);
    const doing = step === null ? {} : { doing: step };
    if (job === undefined)
      return { ...gone(name), ...doing, failure: jobs.work.failure(name)?.message ?? null };
    // A job that is still being set up has no history yet.
    const [health, state] = await Promise.all([
      cluster.health(job.id).catch(() => null),
      stateOf(job),
    ]);
    return {
      name,
      state,
      ...doing,
      restarts: health?.restarts ?? 0,
      failure: health?.failure ?? null,
      checkpointAt: health?.checkpointAt ?? null,
    };
  };

  /** Flink does not answer: every job is unknown, so that no view seems healthy. */
  const noteUnknown = (error: unknown): void => {
    for (const generation of generations()) {
      const name = jobOf(generation);
      const job = generation.job?.() ?? gone(name);
      generation.note(
        { ...job, state: 'unknown' },
        new Error(`Flink does not report the state of job ${name}: ${messageOf(error)}`),
      );
    }
  };

  return {
    writing: () => writing,
    async inspect() {
      const all = await jobs.running().catch((error: unknown) => {
        noteUnknown(error);
        throw error;
      });
      writing = await Promise.all(writingJobs().map((name) => healthOf(all, name)));
      await Promise.all(
        generations().map(async (generation) => {
          const found = await healthOf(all, jobOf(generation));
          const starts = found.state === 'gone' && isStarting(generation, found.name);
          if (found.state !== 'gone') missedSince.set(found.name, null);
          const job = starts ? { ...found, state: STARTING } : found;
          generation.note(job, failureOf(job));
        }),
      );
      const names = new Set(generations().map(jobOf));
      for (const name of missedSince.keys()) if (!names.has(name)) missedSince.delete(name);
      for (const id of ran) if (!all.some((job) => job.id === id)) ran.delete(id);
    },
  };
};
