/** What this process is doing with Flink's jobs, for people who wait for a start. */

export interface JobWork {
  /** The current step of the work on a job. */
  readonly step: (job: string, doing: string) => void;
  /** Runs the work on a job, and keeps its failure until work on the job succeeds. */
  readonly on: <T>(job: string, work: () => Promise<T>) => Promise<T>;
  /** the step that is under way; null: none is */
  readonly doing: (job: string) => string | null;
  /** why the last work on the job failed; null: it did not, or the job is not known */
  readonly failure: (job: string) => Error | null;
}

export const jobWork = (): JobWork => {
  const steps = new Map<string, string>();
  const failures = new Map<string, Error>();
  return {
    step: (job, doing) => void steps.set(job, doing),
    async on(job, work) {
      try {
        const result = await work();
        failures.delete(job);
        return result;
      } catch (error) {
        failures.set(job, error instanceof Error ? error : new Error(String(error)));
        throw error;
      } finally {
        steps.delete(job);
      }
    },
    doing: (job) => steps.get(job) ?? null,
    failure: (job) => failures.get(job) ?? null,
  };
};
