/**
 * The jobs that the registry wants, and only those. A job is found again by its name; one that died with its JobManager is started from
 * its newest checkpoint; one whose statements changed is stopped with a savepoint and started anew, from where its tables stand.
 */
import type { FlinkCluster, FlinkJob } from './cluster.ts';
import { LIVE_STATES } from './cluster.ts';
import { hashStatements, type JobBook } from './job-book.ts';
import { functionsSql } from './sql/functions.ts';
import { openSession } from './sql-gateway.ts';

export interface WantedJob {
  readonly name: string;
  /** what must be declared first */
  readonly setup: readonly string[];
  /** the INSERT or statement set */
  readonly statement: string;
  readonly properties?: Readonly<Record<string, string>>;
  /** offsets at which its life began, by partition: kept with the job and handed back when it is made again */
  readonly born?: readonly number[];
  /** what its identity hangs on; absent: `statement` */
  readonly identity?: string;
}

export interface JobsOptions {
  readonly cluster: FlinkCluster;
  readonly gateway: string;
  readonly book: JobBook;
  readonly savepoints: string;
  readonly warn: (message: string) => void;
}

/**
 * `restored`: with the state of a job of the same statements. `fresh`: without any; `afterCrash` where an older job of the name died
 * with work under way, so that what its sinks committed last may differ from one to the other.
 */
export type JobStart = { readonly kind: 'restored' } | { readonly kind: 'fresh'; readonly afterCrash: boolean };

export interface FlinkJobs {
  /** Starts the job unless it runs. `fresh` makes it for a start without state. Resolves with its id. */
  readonly ensure: (
    name: string,
    identity: string,
    make: (start: JobStart, born: readonly number[] | null) => Promise<WantedJob>,
  ) => Promise<string>;
  /** Stops a job cleanly; nothing where it does not run. */
  readonly stop: (name: string) => Promise<void>;
  /** Ends a job for good and forgets its state. */
  readonly discard: (name: string) => Promise<void>;
  readonly running: () => Promise<readonly FlinkJob[]>;
}

const PREFIX = 'millrace-';
/** A job that is being started cannot be stopped cleanly: it is waited for. */
const START_MS = 30_000;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const BASE_PROPERTIES: Readonly<Record<string, string>> = {
  'table.local-time-zone': 'UTC',
  // The default sink loses rows of bounded jobs whose writers end at different times.
  'table.exec.iceberg.use-v2-sink': 'true',
  'table.exec.sink.upsert-materialize': 'NONE',
  'table.exec.source.idle-timeout': '5 s',
};

export const flinkJobs = ({ cluster, gateway, book, savepoints, warn }: JobsOptions): FlinkJobs => {
  const submit = async (job: WantedJob, from: string | null): Promise<string> => {
    const session = await openSession(gateway, {
      ...BASE_PROPERTIES,
      ...job.properties,
      'pipeline.name': job.name,
      ...(from === null ? {} : { 'execution.state-recovery.path': from }),
    });
    try {
      for (const sql of [...functionsSql([...job.setup, job.statement]), ...job.setup]) await session.run(sql);
      return await session.submit(job.statement);
    } finally {
      await session.close();
    }
  };

  const live = async (name: string): Promise<readonly FlinkJob[]> =>
    (await cluster.jobs())
      .filter((job) => job.name === name && LIVE_STATES.has(job.state))
      .sort((a, b) => a.startedAt - b.startedAt);

  const stopOne = async (job: FlinkJob): Promise<void> => {
    const booked = book.find(job.name);
    for (const deadline = Date.now() + START_MS; Date.now() < deadline && !(await cluster.isRunning(job.id)); ) await sleep(200);
    const savepoint = await cluster.stop(job.id, savepoints);
    if (booked !== null) book.write({ ...booked, savepoint });
  };

  return {
    async ensure(name, identity, make) {
      const hash = hashStatements([identity]);
      const [running, ...extra] = await live(name);
      for (const job of extra) await cluster.cancel(job.id);
      const booked = book.find(name);
      if (running !== undefined) {
        if (booked?.hash === hash) return running.id;
        await stopOne(running);
      }
      const same = booked?.hash === hash ? booked : null;
      const from = same === null ? null : (same.savepoint ?? book.checkpoint(same));
      if (booked !== null && running === undefined && from !== null)
        warn(`Flink's job ${name} was gone: started again from ${from}`);
      const afterCrash = running === undefined && booked !== null && booked.savepoint === null;
      const job = await make(from === null ? { kind: 'fresh', afterCrash } : { kind: 'restored' }, same?.born ?? null);
      const id = await submit(job, from);
      book.write({ name, id, hash, savepoint: null, ...(job.born === undefined ? {} : { born: job.born }) });
      return id;
    },
    async stop(name) {
      for (const job of await live(name)) await stopOne(job);
    },
    async discard(name) {
      for (const job of await live(name)) await cluster.cancel(job.id);
      book.forget(name);
    },
    running: async () => (await cluster.jobs()).filter((job) => job.name.startsWith(PREFIX) && LIVE_STATES.has(job.state)),
  };
};
