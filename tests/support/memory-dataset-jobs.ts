/** A store of data sets in memory, which several gateways of a test share, with a clock. */
import type { DatasetJob, DatasetJobs, FoundDatasetJob } from '#domain/ports/dataset-jobs.ts';

interface Kept {
  job: DatasetJob;
  heartbeat: number;
  cancel: boolean;
}

export interface MemoryDatasetJobs extends DatasetJobs {
  /** Lets so many ms pass. */
  readonly age: (ms: number) => void;
  /** What every call fails with; null: it answers. */
  unavailable: Error | null;
}

export const memoryDatasetJobs = (): MemoryDatasetJobs => {
  const all = new Map<string, Kept>();
  let now = 0;
  const isRunning = ({ job }: Kept): boolean => job.status.state === 'running';
  const found = ({ job, heartbeat }: Kept): FoundDatasetJob => ({ job, quietMs: now - heartbeat });
  const store: MemoryDatasetJobs = {
    shared: true,
    unavailable: null,
    age(ms) {
      now += ms;
    },
    async begin(job) {
      answers();
      if (all.has(job.status.id)) return false;
      all.set(job.status.id, { job, heartbeat: now, cancel: false });
      return true;
    },
    async find(id) {
      answers();
      const kept = all.get(id);
      return kept === undefined ? null : found(kept);
    },
    async running() {
      answers();
      return [...all.values()].filter(isRunning).map(found);
    },
    newest: async (limit) => [...all.values()].reverse().slice(0, limit).map(found),
    async wishCancel(id) {
      answers();
      const kept = all.get(id);
      if (kept !== undefined) kept.cancel = true;
    },
    async renew(gateway, progress) {
      answers();
      const held = new Map<string, boolean>();
      for (const { id, progress: part, stage } of progress) {
        const kept = all.get(id);
        if (kept === undefined || !isRunning(kept) || kept.job.gateway !== gateway) continue;
        kept.heartbeat = now;
        kept.job = { ...kept.job, status: { ...kept.job.status, progress: part, stage } };
        held.set(id, kept.cancel);
      }
      return held;
    },
    async end(job, by) {
      answers();
      const kept = all.get(job.status.id);
      if (kept === undefined || !isRunning(kept)) return false;
      const allowed =
        'gateway' in by
          ? kept.job.gateway === by.gateway
          : by.quietMs === null || now - kept.heartbeat > by.quietMs;
      if (allowed) kept.job = job;
      return allowed;
    },
  };
  const answers = (): void => {
    if (store.unavailable !== null) throw store.unavailable;
  };
  return store;
};
