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
  readonly jobs: Pick<FlinkJobs, 'running'>;
  readonly cluster: Pick<FlinkCluster, 'health'>;
  readonly generations: () => readonly FlinkGeneration[];
  /** names of the jobs that serve all views */
  readonly writingJobs: () => readonly string[];
}

const gone = (name: string): EngineJob => ({
  name,
  state: 'gone',
  restarts: 0,
  failure: null,
  checkpointAt: null,
});

const failureOf = ({ name, state, failure }: EngineJob): Error | null =>
  state === 'RUNNING'
    ? null
    : new Error(`Flink's job ${name} is ${state}${failure === null ? '' : `: ${failure}`}`);

const jobOf = ({ spec }: FlinkGeneration): string => computeJob(spec.view, spec.generation);

export const jobHealth = ({
  jobs,
  cluster,
  generations,
  writingJobs,
}: JobHealthOptions): JobHealth => {
  let writing: readonly EngineJob[] = [];

  const healthOf = async (all: readonly FlinkJob[], name: string): Promise<EngineJob> => {
    const job = all.find((one) => one.name === name);
    if (job === undefined) return gone(name);
    // A job that is still being set up has no history yet.
    const health = await cluster.health(job.id).catch(() => null);
    return {
      name,
      state: job.state,
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
      for (const generation of generations()) {
        const job = await healthOf(all, jobOf(generation));
        generation.note(job, failureOf(job));
      }
    },
  };
};
