/**
 * Builds one training set: reads the spine, joins (one pass for each source, or for each live
 * generation), computes on-demand features, writes the file. Progress: reading the spine 5 %, the
 * joins 85 %, on-demand features and writing the rest.
 */
import { dirname } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DatasetContent } from '#domain/datasets/manifest.ts';
import { fail } from '#domain/errors.ts';
import type {
  BuildOptions,
  TrainingSetJob,
  TrainingSetResult,
} from '#domain/ports/training-set-builder.ts';
import { computeOnDemand } from '#domain/training-sets/on-demand-columns.ts';
import { TIME_COLUMN } from '#domain/training-sets/spine-of-values.ts';
import { orderByTime } from '#domain/training-sets/time-order.ts';
import { planTrainingSet, type TrainingSetPlan } from '#domain/training-sets/training-set-plan.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { interruptOnAbort } from '#infra/shared/duckdb/interrupt.ts';
import { makeDirectory } from '#infra/shared/files/durable-file.ts';
import { describeOutput } from './describe-output.ts';
import { joinOnEngine, type RunJoins } from './engine-join.ts';
import { fileDigest } from './file-digest.ts';
import { type JoinLimits, joinPasses } from './join-passes.ts';
import { loadSpine } from './load-spine.ts';
import { joinDirectory, type OutputRows, outputFormat } from './output-file.ts';
import { passesOf } from './passes.ts';
import { countMarked, marksOf } from './periods.ts';
import { emptyResults, type Result, refuseCollisions, writtenColumns } from './results.ts';
import { writeResult } from './write-result.ts';

export interface ThreadOptions extends BuildOptions {
  /** where the rows are written until all of them are there */
  readonly temporary?: string;
  /** leave the spine's columns out of the output */
  readonly resultsOnly?: boolean;
  /** runs the joins on an engine; absent: they are run here */
  readonly join?: RunJoins | undefined;
  readonly limits?: Partial<JoinLimits> | undefined;
}

/** @throws MR_SPINE_INVALID where the file is not the one that was recognized */
const requireUnchanged = async (
  { spine, reproducible }: TrainingSetJob,
  signal: AbortSignal | undefined,
): Promise<void> => {
  if (reproducible?.spine.kind !== 'file' || !('file' in spine)) return;
  if ((await fileDigest(spine.file, signal)).sha256 !== reproducible.spine.sha256)
    fail(
      'MR_SPINE_INVALID',
      `the spine "${spine.file}" was changed while it was read: request the data set again`,
      { file: spine.file },
    );
};

/** With several threads, where a Parquet file's row groups begin can depend on their speed. */
const IN_ONE_ORDER = 'SET threads = 1';

/** Describes the file of a reproducible training set; null: it is none. */
const inspectionOf = (
  connection: DuckDBConnection,
  { reproducible }: TrainingSetJob,
  plan: TrainingSetPlan,
  signal: AbortSignal | undefined,
) => {
  if (reproducible === undefined) return null;
  let content: DatasetContent | null = null;
  const shown = {
    keys: new Set(plan.keys.map(({ name }) => name)),
    ranged: new Set([TIME_COLUMN, ...plan.columns.map(({ name }) => name)]),
  };
  return {
    async inspect(file: string, output: OutputRows): Promise<void> {
      const expected = reproducible.content;
      content = await describeOutput(connection, file, output, { ...shown, expected, signal });
    },
    content: () => content,
  };
};

export const buildTrainingSet = async (
  job: TrainingSetJob,
  options: ThreadOptions = {},
): Promise<TrainingSetResult> => {
  const { signal, onProgress } = options;
  outputFormat(job.out);
  const plan = planTrainingSet(job.target, job.withStatus);
  await makeDirectory(dirname(job.out));
  const spill = `${options.temporary ?? job.out}.spill`;
  const duckDb = await openDuckDb({
    memoryLimit: job.memoryLimit ?? '512MB',
    threads: 2,
    spillDirectory: spill,
  });
  const connection = await duckDb.connect();
  // Ends the statement that runs; what reads and joins rows looks at the signal by itself.
  const done = interruptOnAbort(connection, signal);
  try {
    await connection.run('SET preserve_insertion_order = true');
    onProgress?.({ stage: 'reading the spine', progress: 0 });
    const kept = options.resultsOnly === true ? null : outputFormat(job.out);
    const spine = await loadSpine(connection, job, plan, kept, signal);
    if (kept !== null) refuseCollisions(plan, spine.names);
    signal?.throwIfAborted();
    await requireUnchanged(job, signal);

    const results = emptyResults(plan, spine.rows);
    const marks = marksOf(job, spine.rows);
    const passes = passesOf(job, plan, spine.keys);
    const times = spine.readTimes ?? spine.times;
    const joined = { times, order: orderByTime(times), halfOpen: job.periods !== undefined };
    const found = { values: results, marks };
    const { join } = options;
    const events =
      join === undefined
        ? await joinPasses(connection, passes, joined, found, {
            ...{ signal, spill, limits: options.limits },
            onProgress: (stage, done) => onProgress?.({ stage, progress: 0.05 + 0.85 * done }),
          })
        : await joinOnEngine(connection, passes, joined, found, {
            join,
            signal,
            directory: joinDirectory(options.temporary ?? job.out),
          });

    onProgress?.({ stage: 'on-demand features', progress: 0.9 });
    const columns = plan.values.map(({ type }, i) => ({
      type,
      values: (results[i] as Result).values,
    }));
    plan.values.forEach((value, i) => {
      if (value.from === 'on-demand')
        computeOnDemand(value, columns[i] as (typeof columns)[number], columns, spine.request);
    });
    signal?.throwIfAborted();
    onProgress?.({ stage: 'writing', progress: 0.92 });
    const inspection = inspectionOf(connection, job, plan, signal);
    if (inspection !== null) await connection.run(IN_ONE_ORDER);
    await writeResult(connection, job.out, writtenColumns(plan, results), spine, {
      ...options,
      overwrite: job.overwrite,
      inspect: inspection?.inspect,
      marks,
    });
    onProgress?.({ stage: 'done', progress: 1 });
    const content = inspection?.content() ?? null;
    return {
      rows: marks === undefined ? spine.rows : countMarked(marks),
      features: plan.columns.map(({ name }) => name),
      events,
      ...(content === null ? {} : { content }),
    };
  } finally {
    done();
    connection.closeSync();
    duckDb.close();
  }
};
