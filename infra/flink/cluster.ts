/** Flink's JobManager by its REST interface: lists jobs, reads their health, stops them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, MillraceError } from '#domain/errors.ts';
import { callFlink } from '#infra/shared/flink/call-flink.ts';

export interface FlinkJob {
  readonly id: string;
  readonly name: string;
  /**
   * Flink's own: CREATED INITIALIZING RUNNING RESTARTING FAILING FAILED CANCELLING CANCELED
   * FINISHED SUSPENDED RECONCILING
   */
  readonly state: string;
  /** epoch ms */
  readonly startedAt: number;
}

export interface JobHealth {
  readonly restarts: number;
  /** of the newest completed checkpoint, epoch ms; null where there is none */
  readonly checkpointAt: number | null;
  readonly checkpointMs: number | null;
  readonly failedCheckpoints: number;
  /** the newest failure's message; null where there was none */
  readonly failure: string | null;
  readonly failedAt: number | null;
}

export interface FlinkCluster {
  readonly jobs: () => Promise<readonly FlinkJob[]>;
  readonly health: (job: string) => Promise<JobHealth>;
  /** Whether every bounded source has ended: the history part of a fill is then read. */
  readonly boundedSourcesFinished: (job: string) => Promise<boolean>;
  /** Stops a job with a savepoint, whose rows its sinks have committed; resolves with its path. */
  readonly stop: (job: string, savepoints: string) => Promise<string>;
  readonly cancel: (job: string) => Promise<void>;
  /** Whether all tasks run: before that a job makes no checkpoint. */
  readonly isRunning: (job: string) => Promise<boolean>;
  /** free and all task slots */
  readonly slots: () => Promise<{
    readonly free: number;
    readonly total: number;
    readonly taskManagers: number;
  }>;
}

const TIMEOUT_MS = 10_000;
const STOP_DEADLINE_MS = 90_000;

export const LIVE_STATES: ReadonlySet<string> = new Set([
  'CREATED',
  'INITIALIZING',
  'RUNNING',
  'RESTARTING',
  'FAILING',
  'RECONCILING',
]);

const PREFIX = 'millrace-';

/** Whether the job is of a platform, and runs or soon will. */
export const isLiveJob = ({ name, state }: FlinkJob): boolean =>
  name.startsWith(PREFIX) && LIVE_STATES.has(state);

export const flinkCluster = (address: string): FlinkCluster => {
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const request = { method, path, body, timeoutMs: TIMEOUT_MS };
    const response = await callFlink('JobManager', address, request);
    const text = await response.text();
    if (!response.ok)
      throw new MillraceError(
        'MR_ENGINE_FAILED',
        `Flink answered ${response.status} to ${method} ${path}: ${text.slice(0, 500)}`,
      );
    return (text === '' ? {} : JSON.parse(text)) as T;
  };

  return {
    async jobs() {
      const { jobs } = await call<{
        jobs: { jid: string; name: string; state: string; 'start-time': number }[];
      }>('GET', '/jobs/overview');
      return jobs.map((job) => ({
        id: job.jid,
        name: job.name,
        state: job.state,
        startedAt: job['start-time'],
      }));
    },

    async health(job) {
      const [checkpoints, exceptions] = await Promise.all([
        call<{
          counts: { restored: number; failed: number };
          latest: {
            completed: { latest_ack_timestamp: number; end_to_end_duration: number } | null;
          };
        }>('GET', `/jobs/${job}/checkpoints`),
        call<{
          exceptionHistory: {
            entries: { exceptionName: string; stacktrace: string; timestamp: number }[];
          };
        }>('GET', `/jobs/${job}/exceptions?maxExceptions=20`),
      ]);
      const entries = exceptions.exceptionHistory.entries;
      const newest = entries[0];
      return {
        restarts: entries.length,
        checkpointAt: checkpoints.latest.completed?.latest_ack_timestamp ?? null,
        checkpointMs: checkpoints.latest.completed?.end_to_end_duration ?? null,
        failedCheckpoints: checkpoints.counts.failed,
        failure:
          newest === undefined ? null : (newest.stacktrace.split('\n')[0] ?? newest.exceptionName),
        failedAt: newest?.timestamp ?? null,
      };
    },

    async boundedSourcesFinished(job) {
      const { vertices } = await call<{ vertices: { name: string; status: string }[] }>(
        'GET',
        `/jobs/${job}`,
      );
      const bounded = vertices.filter(
        ({ name }) => name.toLowerCase().includes('iceberg') && name.startsWith('Source'),
      );
      return bounded.every(({ status }) => status === 'FINISHED');
    },

    async stop(job, savepoints) {
      const { 'request-id': request } = await call<{ 'request-id': string }>(
        'POST',
        `/jobs/${job}/stop`,
        {
          targetDirectory: `file://${savepoints}`,
          drain: false,
        },
      );
      for (
        const deadline = Date.now() + STOP_DEADLINE_MS;
        Date.now() < deadline;
        await sleep(100)
      ) {
        const { status, operation } = await call<{
          status: { id: string };
          operation?: { location?: string; 'failure-cause'?: { 'stack-trace'?: string } };
        }>('GET', `/jobs/${job}/savepoints/${request}`);
        if (status.id !== 'COMPLETED') continue;
        if (operation?.location !== undefined) return operation.location;
        return fail(
          'MR_ENGINE_FAILED',
          `job ${job} could not be stopped with a savepoint: ${(operation?.['failure-cause']?.['stack-trace'] ?? 'no reason given').slice(0, 600)}`,
        );
      }
      return fail(
        'MR_ENGINE_FAILED',
        `job ${job} did not stop with a savepoint within ${STOP_DEADLINE_MS / 1000} s`,
      );
    },

    async isRunning(job) {
      const { vertices } = await call<{ vertices: { status: string }[] }>('GET', `/jobs/${job}`);
      return vertices.every(({ status }) => status === 'RUNNING' || status === 'FINISHED');
    },

    async cancel(job) {
      await call('PATCH', `/jobs/${job}?mode=cancel`);
    },

    async slots() {
      const overview = await call<{
        'slots-total': number;
        'slots-available': number;
        taskmanagers: number;
      }>('GET', '/overview');
      return {
        free: overview['slots-available'],
        total: overview['slots-total'],
        taskManagers: overview.taskmanagers,
      };
    },
  };
};
