/** The messages between the builder and its worker thread. */
import type { ErrorCode, ErrorDetails } from '#domain/errors.ts';
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
  readonly limits?: Partial<JoinLimits> | undefined;
}

export type WorkerRequest = { readonly type: 'cancel' };

export type WorkerAnswer =
  | ({ readonly type: 'progress' } & TrainingSetProgress)
  | { readonly type: 'done'; readonly result: TrainingSetResult }
  | {
      readonly type: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly details: ErrorDetails;
    }
  | { readonly type: 'cancelled' };
