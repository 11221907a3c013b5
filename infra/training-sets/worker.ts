/** The thread in which one training set is built, so that building never delays reads. */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';
import { isDiskFull } from '#infra/shared/files/durable-file.ts';
import { buildTrainingSet } from './build-training-set.ts';
import type { WorkerAnswer, WorkerInput, WorkerRequest } from './worker-messages.ts';

const { job, temporary, resultsOnly, limits } = workerData as WorkerInput;
const cancel = new AbortController();
const answer = (message: WorkerAnswer): void => parentPort?.postMessage(message);

parentPort?.on('message', (message: WorkerRequest) => {
  if (message.type === 'cancel') cancel.abort(new Error('cancelled'));
});

const failure = (error: unknown): WorkerAnswer => {
  if (error instanceof MillraceError) return { type: 'failed', ...error.toJSON() };
  const message = messageOf(error);
  return {
    type: 'failed',
    code: isDiskFull(error) ? 'MR_DISK_FULL' : 'MR_DATASET_FAILED',
    message: `the data set could not be built: ${message}`,
    details: {},
  };
};

try {
  const result = await buildTrainingSet(job, {
    signal: cancel.signal,
    temporary,
    resultsOnly,
    limits,
    onProgress: (progress) => answer({ type: 'progress', ...progress }),
  });
  answer({ type: 'done', result });
} catch (error) {
  answer(cancel.signal.aborted ? { type: 'cancelled' } : failure(error));
} finally {
  parentPort?.close();
}
