/** The messages between the builder and its worker thread. */
import type { ErrorCode, ErrorDetails } from '#domain/errors.ts';
import type { JoinedFiles, JoinTask } from '#domain/ports/join-engine.ts';
import type {
  TrainingSetJob,
  TrainingSetProgress,
  TrainingSetResult,
} from '#domain/ports/training-set-builder.ts';
import type { JoinLimits } from './join-passes.ts';

export interface WorkerInput {
  readonly job: TrainingSetJob;
  readonly temporary: string;
  readonly resultsOnly: boolean;
  /** whether the joins are run outside of the thread */
  readonly joinsOutside: boolean;
  readonly limits?: Partial<JoinLimits> | undefined;
}

export interface WorkerFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
}

export type WorkerRequest =
  | { readonly type: 'cancel' }
  | { readonly type: 'joined'; readonly files: readonly JoinedFiles[] }
  | ({ readonly type: 'join-failed' } & WorkerFailure);

export type WorkerAnswer =
  | ({ readonly type: 'progress' } & TrainingSetProgress)
  /** a wish, once at most: `joined` or `join-failed` is expected */
  | { readonly type: 'join'; readonly tasks: readonly JoinTask[]; readonly directory: string }
  | { readonly type: 'done'; readonly result: TrainingSetResult }
  | ({ readonly type: 'failed' } & WorkerFailure)
  | { readonly type: 'cancelled' };
