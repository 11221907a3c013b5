/** The thread in which one training set is built, so that building never delays reads. */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';
import type { JoinedFiles } from '#domain/ports/join-engine.ts';
import { isDiskFull } from '#infra/shared/files/durable-file.ts';
import { buildTrainingSet } from './build-training-set.ts';
import type { RunJoins } from './engine-join.ts';
import type { WorkerAnswer, WorkerFailure, WorkerInput, WorkerRequest } from './worker-messages.ts';

const { job, temporary, resultsOnly, joinsOutside, limits } = workerData as WorkerInput;
const cancel = new AbortController();
const answer = (message: WorkerAnswer): void => parentPort?.postMessage(message);

let joined: (files: readonly JoinedFiles[]) => void = () => {};
let joinFailed: (error: Error) => void = () => {};

parentPort?.on('message', (message: WorkerRequest) => {
  if (message.type === 'cancel') cancel.abort(new Error('cancelled'));
  else if (message.type === 'joined') joined(message.files);
  else joinFailed(new MillraceError(message.code, message.message, message.details));
});

const join: RunJoins = (tasks, directory) =>
  new Promise((done, failed) => {
    joined = done;
    joinFailed = failed;
    answer({ type: 'join', tasks, directory });
  });

const failure = (error: unknown): WorkerFailure => {
  if (error instanceof MillraceError) return error.toJSON();
  const message = messageOf(error);
  return {
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
    join: joinsOutside ? join : undefined,
    limits,
    onProgress: (progress) => answer({ type: 'progress', ...progress }),
  });
  answer({ type: 'done', result });
} catch (error) {
  answer(cancel.signal.aborted ? { type: 'cancelled' } : { type: 'failed', ...failure(error) });
} finally {
  parentPort?.close();
}
