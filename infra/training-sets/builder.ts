/**
 * The training set builder: DuckDB and the point-in-time join, in a thread for each training set.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { joinEngineOf } from '#domain/datasets/data-set-engine.ts';
import { fail } from '#domain/errors.ts';
import type { FileIO } from '#domain/ports/file-io.ts';
import type { JoinEngine } from '#domain/ports/join-engine.ts';
import type { TrainingSetBuilder, TrainingSetJob } from '#domain/ports/training-set-builder.ts';
import { spineOfValues } from '#domain/training-sets/spine-of-values.ts';
import { diffFiles } from './diff-files.ts';
import { identifySpine } from './identify-spine.ts';
import { discard, joinDirectory, temporaryPath } from './output-file.ts';
import { readBatches } from './read-batches.ts';
import { readValues } from './read-values.ts';
import { removeLeft } from './remove-left.ts';
import { runTrainingSet } from './run-training-set.ts';
import { storeSpine } from './store-spine.ts';
import { checkOutput, checkSpineFile } from './user-files.ts';
import { writeValues } from './write-values.ts';

export interface BuilderOptions {
  /** the file system of the history */
  readonly files: FileIO;
  /** a path on the local disk: outputs without a requested path go there */
  readonly directory: string;
  /** directories of the platform: callers name no files in them */
  readonly ownDirectories?: readonly string[];
  /** engines that this platform can join with */
  readonly engines?: readonly JoinEngine[];
}

type Files = Pick<TrainingSetJob, 'sources'>;

export const trainingSetBuilder = ({
  files,
  directory,
  ownDirectories = [directory],
  engines = [],
}: BuilderOptions): TrainingSetBuilder => {
  mkdirSync(directory, { recursive: true });
  const { dev, ino } = statSync(directory, { bigint: true });

  /** The job's files as DuckDB opens them. */
  const readable = async ({ sources }: Files): Promise<Files> => ({
    sources: Object.fromEntries(
      await Promise.all(
        Object.entries(sources).map(async ([name, raw]) => {
          const opened = await files.engine.readable(raw.files);
          return [name, { ...raw, files: opened }] as const;
        }),
      ),
    ),
  });

  const engineOf = (wanted: TrainingSetJob['engine']): JoinEngine | undefined => {
    const name = joinEngineOf(wanted);
    if (name === null) return undefined;
    return (
      engines.find((engine) => engine.name === name) ??
      fail(
        'MR_REFUSED',
        `this platform has no engine "${name}" for data sets: use ${['embedded', ...engines.map((engine) => engine.name)].join(' or ')}`,
        { engine: name },
      )
    );
  };

  return {
    home: `${dev}:${ino}:${realpathSync(directory)}`,
    outputPath: (id, requested, overwrite = false) =>
      requested === undefined
        ? join(directory, `${id}.parquet`)
        : checkOutput(requested, overwrite, ownDirectories),
    partialPath: (id, out) => temporaryPath(out, id),
    async discard(path) {
      for (const engine of engines) await engine.discard(joinDirectory(path));
      await discard(path);
    },
    checkEngine: (engine) => void engineOf(engine),
    identify: identifySpine,
    async storedSpine(name) {
      const path = join(directory, name);
      return existsSync(path) ? path : null;
    },
    storeSpine: (name, rows, wanted) => storeSpine(rows, join(directory, name), wanted),
    removeSpine: (name) => rm(join(directory, name), { force: true }),
    removeLeft: (kept, before) => removeLeft(directory, kept, before),
    checkSpine: (file) => checkSpineFile(file, ownDirectories),
    build: async (job, options) =>
      runTrainingSet(
        { ...job, ...(await readable(job)) },
        { ...options, engine: engineOf(job.engine) },
      ),
    write: writeValues,
    async values(job, spine, options) {
      const out = join(directory, `values-${randomUUID()}.parquet`);
      try {
        const rows = spineOfValues(job.target, spine);
        await runTrainingSet(
          { ...job, ...(await readable(job)), spine: { rows }, out },
          { ...options, resultsOnly: true },
        );
        return await readValues(out);
      } finally {
        await rm(out, { force: true });
      }
    },
    async periods({ id, grid, ...job }, use, options) {
      // The same names each time: what a killed process has left is replaced.
      const out = join(directory, `periods-${id}.parquet`);
      try {
        const { rows } = await runTrainingSet(
          { ...job, ...(await readable(job)), spine: { grid }, out, overwrite: true },
          { ...options, partial: temporaryPath(out, 'rollup') },
        );
        return await use(out, rows);
      } finally {
        await rm(out, { force: true });
      }
    },
    batches: readBatches,
    diffRows: (request) => diffFiles(request, join(directory, `diff-${randomUUID()}.spill`)),
    outputBytes: (out) =>
      stat(out).then(
        ({ size }) => size,
        () => null,
      ),
  };
};
