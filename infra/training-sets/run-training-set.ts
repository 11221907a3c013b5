/**
 * Builds a training set in a thread of its own. The output appears whole under its name or not at
 * all: the temporary file is deleted here, however the thread ends.
 */
import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';
import type { JoinEngine } from '#domain/ports/join-engine.ts';
import type {
  BuildOptions,
  TrainingSetJob,
  TrainingSetResult,
} from '#domain/ports/training-set-builder.ts';
import { workerUrl } from '#infra/shared/worker-url.ts';
import type { JoinLimits } from './join-passes.ts';
import { discard, outputFormat, temporaryPath } from './output-file.ts';
import type { WorkerAnswer, WorkerFailure, WorkerInput, WorkerRequest } from './worker-messages.ts';

export interface RunOptions extends BuildOptions {
  /** limit of V8's heap of the thread, MiB; default 1024 */
  readonly maxHeapMb?: number;
  /** leave the spine's columns out of the output */
  readonly resultsOnly?: boolean;
  /** what runs the joins; absent: the thread */
  readonly engine?: JoinEngine | undefined;
  /** how the work is divided; for tests */
  readonly limits?: Partial<JoinLimits>;
}

const failureOf = (error: unknown): WorkerFailure =>
  error instanceof MillraceError
    ? error.toJSON()
    : { code: 'MR_ENGINE_FAILED', message: messageOf(error), details: {} };

/** Runs the joins on the engine, until the thread or its caller ends them. */
const joinFor = async (
  { tasks, directory }: WorkerAnswer & { readonly type: 'join' },
  engine: JoinEngine,
  signal: AbortSignal,
  onProgress: RunOptions['onProgress'],
): Promise<WorkerRequest> => {
  try {
    const files = await engine.join(tasks, {
      directory,
      signal,
      onProgress: (progress) => onProgress?.(progress),
    });
    return { type: 'joined', files };
  } catch (error) {
    return { type: 'join-failed', ...failureOf(error) };
  }
};

const cancelled = (): Error => new DOMException('The data set was cancelled.', 'AbortError');

const inThread = (
  input: WorkerInput,
  { signal, onProgress, engine, maxHeapMb = 1024 }: RunOptions,
): Promise<TrainingSetResult> =>
  new Promise((done, failed) => {
    const ended = new AbortController();
    let joining: Promise<void> = Promise.resolve();
    const worker = new Worker(workerUrl('./worker', import.meta.url), {
      workerData: input,
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
      env: process.env,
    });
    let outcome: (() => void) | null = null;
    const cancel = (): void => worker.postMessage({ type: 'cancel' });
    signal?.addEventListener('abort', cancel, { once: true });
    const joinOutside = async (wish: WorkerAnswer & { readonly type: 'join' }): Promise<void> => {
      const signals = AbortSignal.any([ended.signal, ...(signal === undefined ? [] : [signal])]);
      const joined = await joinFor(wish, engine as JoinEngine, signals, onProgress);
      if (!ended.signal.aborted) worker.postMessage(joined);
    };
    worker.on('message', (answer: WorkerAnswer) => {
      if (answer.type === 'progress')
        onProgress?.({ stage: answer.stage, progress: answer.progress });
      else if (answer.type === 'join') joining = joinOutside(answer);
      else if (answer.type === 'done') outcome = () => done(answer.result);
      else if (answer.type === 'cancelled') outcome = () => failed(cancelled());
      else outcome = () => failed(new MillraceError(answer.code, answer.message, answer.details));
    });
    worker.on('error', (error) => {
      outcome = () =>
        failed(
          new MillraceError(
            'MR_DATASET_FAILED',
            `the thread that built the data set ended: ${error.message}`,
          ),
        );
    });
    worker.on('exit', async (code) => {
      signal?.removeEventListener('abort', cancel);
      ended.abort(cancelled());
      await joining;
      if (outcome === null)
        failed(
          new MillraceError(
            'MR_DATASET_FAILED',
            `the thread that built the data set ended with ${code}`,
          ),
        );
      else outcome();
    });
  });

/**
 * @param job its files are what DuckDB opens: paths on the local disk
 * @throws as TrainingSetBuilder.build
 */
export const runTrainingSet = async (
  job: TrainingSetJob,
  options: RunOptions = {},
): Promise<TrainingSetResult> => {
  if (options.signal?.aborted) throw cancelled();
  outputFormat(job.out);
  const out = resolve(job.out);
  const temporary = options.partial ?? temporaryPath(out);
  const spine = 'file' in job.spine ? { file: resolve(job.spine.file) } : job.spine;
  try {
    const { resultsOnly = false, limits } = options;
    const joinsOutside = options.engine !== undefined;
    return await inThread(
      { job: { ...job, out, spine }, temporary, resultsOnly, joinsOutside, limits },
      options,
    );
  } finally {
    await discard(temporary);
  }
};
