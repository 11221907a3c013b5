/** What goes between the thread that asks for data sets and the one that builds them. */
import type { ErrorCode, ErrorDetails } from '#domain/errors.ts';
import type { DatasetJob, DatasetProgress, DatasetResult } from './dataset-job.ts';

export interface WorkerInput {
  readonly job: DatasetJob;
  readonly temporary: string;
}

export type WorkerRequest = { readonly type: 'cancel' };

export type WorkerAnswer =
  | ({ readonly type: 'progress' } & DatasetProgress)
  | { readonly type: 'done'; readonly result: DatasetResult }
  | {
      readonly type: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly details: ErrorDetails;
    }
  | { readonly type: 'cancelled' };
