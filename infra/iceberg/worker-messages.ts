/** What the history's owner and its worker thread say to each other. */
import { messageOf } from '#domain/error-message.ts';
import { ERRORS, type ErrorCode, type ErrorDetails, MillraceError } from '#domain/errors.ts';
import type { HistoryInputModule } from './input.ts';

export interface WorkerSettings {
  /** the history's root directory */
  readonly root: string;
  readonly input: HistoryInputModule;
  readonly memoryLimit: string;
  /** rows of one commit, at most about */
  readonly commitRows: number;
  /** commits by itself when this many rows are pending … */
  readonly commitAtRows: number;
  /** … or this long after the first; 0: only on `sync` */
  readonly commitAfterMs: number;
  /** source → event time field, where the Avro schemas do not say */
  readonly eventTimes: Readonly<Record<string, string>>;
}

export type Request =
  | {
      readonly id: number;
      readonly do: 'sync';
      readonly topic: string;
      readonly upTo: readonly number[] | null;
    }
  | { readonly id: number; readonly do: 'maintain'; readonly topic: string }
  | { readonly id: number; readonly do: 'close' };

export interface WireError {
  readonly code: string | null;
  readonly message: string;
  readonly details: ErrorDetails;
}

export type Answer =
  | { readonly id: number; readonly error: WireError | null }
  | { readonly id: null; readonly failed: string; readonly error: WireError };

export const toWire = (error: unknown): WireError => {
  if (error instanceof MillraceError)
    return { code: error.code, message: error.message, details: error.details };
  return {
    code: null,
    message: messageOf(error),
    details: {},
  };
};

export const fromWire = ({ code, message, details }: WireError): MillraceError =>
  new MillraceError(
    code !== null && code in ERRORS ? (code as ErrorCode) : 'MR_STORAGE_FAILED',
    message,
    details,
  );
