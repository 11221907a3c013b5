/**
 * Joins as a batch job of Spark: one application for all joins of a data set, of the Java module
 * (io.millrace.spark.BatchJoin). It reads the data files of the pinned snapshots, sorts events and
 * rows by key and time, spills what does not fit in memory, and writes Parquet.
 */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JoinEngine, JoinTask } from '#domain/ports/join-engine.ts';
import {
  joinedColumns,
  readLocation,
  sortedColumns,
  sparkEvents,
  writtenLocation,
} from './event-sql.ts';
import { submit } from './submit.ts';

export interface SparkOptions {
  /** `spark-submit`, or its path */
  readonly command: string;
  /** of Spark, by name: more than, or in place of, the default ones */
  readonly conf?: Readonly<Record<string, string>>;
  /** the path of the Java module's jar */
  readonly jar: () => Promise<string>;
}

const MAIN = 'io.millrace.spark.BatchJoin';
const LOCAL = '127.0.0.1';

/** What decides values, and is not for users to choose. */
const FIXED: Readonly<Record<string, string>> = {
  'spark.sql.session.timeZone': 'UTC',
  'spark.sql.caseSensitive': 'true',
  // Times before 1900 in files of other writers are as they are.
  'spark.sql.parquet.datetimeRebaseModeInRead': 'CORRECTED',
  'spark.sql.parquet.int96RebaseModeInRead': 'CORRECTED',
};

const isLocal = (conf: SparkOptions['conf'] = {}): boolean =>
  (conf['spark.master'] ?? 'local').startsWith('local');

const confOf = (directory: string, conf: SparkOptions['conf'] = {}) => {
  const local = isLocal(conf);
  return {
    'spark.master': 'local[*]',
    'spark.driver.memory': '1g',
    'spark.ui.enabled': 'false',
    'spark.ui.showConsoleProgress': 'false',
    'spark.local.dir': join(directory, 'spark'),
    'spark.sql.warehouse.dir': join(directory, 'warehouse'),
    ...(local ? { 'spark.driver.host': LOCAL, 'spark.driver.bindAddress': LOCAL } : {}),
    ...conf,
    ...FIXED,
  };
};

const outputOf = (directory: string, task: number): string => join(directory, `joined-${task}`);

const jobOf = (tasks: readonly JoinTask[], directory: string): object => ({
  joins: tasks.map((task, i) => ({
    plan: JSON.stringify(task.plan),
    withStatus: task.withStatus,
    size: task.rows + task.events.count,
    rows: readLocation(task.spine),
    sorted: sortedColumns(task.plan.fields),
    events: task.events.groups.map((group) => sparkEvents(task, group)),
    joined: joinedColumns(task),
    output: writtenLocation(outputOf(directory, i)),
  })),
});

const partsOf = async (directory: string): Promise<readonly string[]> =>
  (await readdir(directory))
    .filter((name) => name.endsWith('.parquet'))
    .map((name) => join(directory, name));

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((done) => {
    if (signal.aborted) done();
    signal.addEventListener('abort', () => done(), { once: true });
  });

const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);

type Run = JoinEngine['join'];

const joinWith =
  ({ command, conf, jar }: SparkOptions): Run =>
  async (tasks, { directory, signal, onProgress }) => {
    onProgress({ stage: 'starting Spark', progress: 0.05 });
    const job = join(directory, 'job.json');
    await writeFile(job, JSON.stringify(jobOf(tasks, directory)));
    let reached = 0.05;
    const submission = {
      command,
      conf: confOf(directory, conf),
      jar: await jar(),
      mainClass: MAIN,
      args: [job],
      cwd: directory,
    };
    await submit(submission, signal, (report) => {
      const [at, done, of] = [report.join, report.done, report.of].map(numberOf) as [
        number,
        number,
        number,
      ];
      const share = (at + (of === 0 ? 0 : (0.9 * done) / of)) / tasks.length;
      reached = Math.max(reached, 0.05 + 0.85 * share);
      const view = tasks[at]?.view ?? '';
      onProgress({ stage: `joining ${view} on Spark: ${done} of ${of} tasks`, progress: reached });
    });
    return Promise.all(tasks.map((_, i) => partsOf(outputOf(directory, i))));
  };

/** One after the other: each has a JVM of its own. */
const inTurn = (run: Run): Run => {
  let last: Promise<unknown> = Promise.resolve();
  return async (tasks, options) => {
    const { signal, onProgress } = options;
    const before = last;
    const mine = (async () => {
      onProgress({ stage: 'waiting for another job on Spark', progress: 0.05 });
      await Promise.race([before, aborted(signal)]);
      signal.throwIfAborted();
      return run(tasks, options);
    })();
    last = Promise.allSettled([before, mine]);
    return mine;
  };
};

/** On this machine, one job at a time; a cluster has its own scheduler. */
export const sparkEngine = (options: SparkOptions): JoinEngine => ({
  name: 'spark',
  join: isLocal(options.conf) ? inTurn(joinWith(options)) : joinWith(options),
  // A job watches its standard input, and its files are in the directory.
  discard: async () => {},
});
