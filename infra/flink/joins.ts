/**
 * Joins of data sets as batch jobs of Flink: one statement for each, with the source's Iceberg
 * table at the pinned snapshot, into an Iceberg table that the platform then reads. What a join
 * needs is in a directory of the warehouse, which Flink's servers have too.
 */
import { constants, copyFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '#domain/errors.ts';
import { type Directory, joinUri, subdirectory } from '#domain/ports/file-io.ts';
import type { JoinEngine, JoinTask } from '#domain/ports/join-engine.ts';
import { functionsSql } from '#domain/sql/flink/java-functions.ts';
import { locationOf } from '#infra/shared/files/hadoop-location.ts';
import { openSession } from '#infra/shared/flink/sql-gateway.ts';
import { type FlinkCluster, LIVE_STATES } from './cluster.ts';
import { joinedFiles, makeJoinedTable, makeRowsTable } from './join-tables.ts';
import { JOIN_CATALOG, joinSql } from './sql/join.ts';
import { catalogsSql } from './sql/tables.ts';

export interface FlinkJoinOptions {
  /** the directory of Iceberg's tables */
  readonly tables: Directory;
  /** as Flink is configured */
  readonly warehouse: { readonly paimon: string; readonly iceberg: string };
  readonly gateway: string;
  readonly cluster: Pick<FlinkCluster, 'jobs' | 'cancel' | 'health'>;
  readonly now: () => number;
}

/** Not among the jobs that follow the registry: this one ends by itself. */
const JOB = 'dataset-join';
const FOLDER = '.joins';
const POLL_MS = 200;

/** The name of a join, here and on every gateway: its data set's. */
const nameOf = (directory: string): string =>
  basename(dirname(directory))
    .replaceAll(/[^\w.-]/g, '_')
    .replace(/^\.+/, '');

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const properties = (name: string): Readonly<Record<string, string>> => ({
  'execution.runtime-mode': 'batch',
  'parallelism.default': '2',
  'pipeline.name': name,
  'table.local-time-zone': 'UTC',
  'table.dml-sync': 'false',
  // The default sink loses rows of bounded jobs whose writers end at different times.
  'table.exec.iceberg.use-v2-sink': 'true',
  'table.exec.iceberg.infer-source-parallelism': 'false',
  // A job that fails each time ends; the cluster's own setting is for jobs that run for ever.
  'restart-strategy.type': 'fixed-delay',
  'restart-strategy.fixed-delay.attempts': '3',
  'restart-strategy.fixed-delay.delay': '1 s',
});

/** Copies of the results, which outlive the table. */
const copies = async (
  root: Directory,
  table: string,
  directory: string,
): Promise<readonly string[]> =>
  Promise.all(
    (await joinedFiles(root, table)).map(async (file, i) => {
      const copy = join(directory, `${table}-${i}.parquet`);
      await copyFile(file, copy, constants.COPYFILE_FICLONE);
      return copy;
    }),
  );

export const flinkJoins = (options: FlinkJoinOptions): JoinEngine => {
  const { tables, warehouse, gateway, cluster, now } = options;
  const { files } = tables;
  const placeOf = (name: string): Directory => subdirectory(tables, FOLDER, name);
  const jobName = (name: string): string => `${JOB} ${name}`;

  const cancelAll = async (name: string): Promise<void> => {
    for (;;) {
      const live = (await cluster.jobs()).filter(
        (job) => job.name === jobName(name) && LIVE_STATES.has(job.state),
      );
      if (live.length === 0) return;
      for (const { id } of live) await cluster.cancel(id);
      await sleep(POLL_MS);
    }
  };

  /** Resolves when the job has finished. */
  const finished = async (id: string, view: string, signal: AbortSignal): Promise<void> => {
    for (;;) {
      signal.throwIfAborted();
      const state = (await cluster.jobs()).find((job) => job.id === id)?.state ?? 'FAILED';
      if (state === 'FINISHED') return;
      if (!LIVE_STATES.has(state) && state !== 'CANCELLING') {
        const failure = await cluster.health(id).then(
          (health) => health.failure,
          () => null,
        );
        fail(
          'MR_ENGINE_FAILED',
          `the job on Flink that joined view "${view}" ended as ${state}: ${failure ?? 'no reason given'}`,
          { engine: 'flink', view, job: id },
        );
      }
      await sleep(POLL_MS);
    }
  };

  const makeTables = async (
    root: Directory,
    tasks: readonly JoinTask[],
    directory: string,
  ): Promise<
    readonly { readonly rows: string; readonly joined: string; readonly plan: string }[]
  > => {
    const rowsOf = new Map<string, string>();
    const places = [];
    for (const [i, task] of tasks.entries()) {
      let rows = rowsOf.get(task.spine);
      if (rows === undefined) {
        rows = `rows_${rowsOf.size}`;
        rowsOf.set(task.spine, rows);
        const spill = `${directory}/rows.spill`;
        await makeRowsTable(root, rows, { file: task.spine, spill, now: now() });
      }
      const joined = `joined_${i}`;
      await makeJoinedTable(root, joined, task, now());
      const plan = joinUri(root.uri, `plan_${i}.json`);
      await files.write(plan, JSON.stringify(task.plan));
      places.push({ rows, joined, plan: locationOf(plan).replace(/^file:\/\//, '') });
    }
    return places;
  };

  return {
    name: 'flink',
    async join(tasks, { directory, signal, onProgress }) {
      const name = nameOf(directory);
      const root = placeOf(name);
      await files.deleteDirectory(root.uri);
      onProgress({ stage: 'writing rows for Flink', progress: 0.05 });
      const places = await makeTables(root, tasks, directory);
      const statements = tasks.map((task, i) =>
        joinSql(task, places[i] as (typeof places)[number]),
      );
      signal.throwIfAborted();
      const session = await openSession(gateway, properties(jobName(name)));
      try {
        const catalog = `CREATE CATALOG ${JOIN_CATALOG} WITH ('type' = 'iceberg', 'catalog-type' = 'hadoop', 'warehouse' = ${quoted(locationOf(root.uri))})`;
        for (const setup of [...catalogsSql(warehouse), catalog, ...functionsSql(statements)])
          await session.run(setup);
        for (const [i, statement] of statements.entries()) {
          signal.throwIfAborted();
          const { view } = tasks[i] as JoinTask;
          const progress = 0.05 + (0.85 * (i + 0.5)) / tasks.length;
          onProgress({ stage: `joining ${view} on Flink`, progress });
          await finished(await session.submit(statement), view, signal);
        }
        return await Promise.all(places.map(({ joined }) => copies(root, joined, directory)));
      } finally {
        await cancelAll(name);
        await session.close();
        await files.deleteDirectory(root.uri);
      }
    },
    async discard(directory) {
      const name = nameOf(directory);
      const root = placeOf(name);
      // Most data sets have never been on Flink, and it may be down.
      if ((await files.list(root.uri)).length === 0) return;
      await cancelAll(name);
      await files.deleteDirectory(root.uri);
    },
  };
};
