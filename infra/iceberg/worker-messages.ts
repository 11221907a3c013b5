/** The messages between the history and its worker thread. */
import { messageOf } from '#domain/error-message.ts';
import { ERRORS, type ErrorCode, type ErrorDetails, MillraceError } from '#domain/errors.ts';
import type { TrimHistory } from '#domain/ports/history.ts';
import type { KeysOfTopics } from '#infra/shared/iceberg/sorted-by-keys.ts';
import type { HistoryInputModule } from './input.ts';

export interface WorkerSettings {
  /** URI of the directory of the tables */
  readonly root: string;
  /** a path on the local disk */
  readonly spillDirectory: string;
  readonly input: HistoryInputModule;
  readonly memoryLimit: string;
  /** approximate limit of the rows of one commit */
  readonly commitRows: number;
  /** it commits by itself when this many rows are pending … */
  readonly commitAtRows: number;
  /** … or this long after the first of them, ms; 0: only on `sync` */
  readonly commitAfterMs: number;
  /** source → event time field, where its Avro schemas have no `eventTime` */
  readonly eventTimes: Readonly<Record<string, string>>;
  readonly platform: string | undefined;
  /** by which keys the files of topics are sorted */
  readonly keys: KeysOfTopics;
}

export type Request =
  | {
      readonly id: number;
      readonly do: 'sync';
      readonly topic: string;
      readonly upTo: readonly number[] | null;
    }
  | { readonly id: number; readonly do: 'maintain'; readonly topic: string }
  | { readonly id: number; readonly do: 'trim'; readonly topic: string; readonly what: TrimHistory }
  | { readonly id: number; readonly do: 'sort'; readonly keys: KeysOfTopics }
  | { readonly id: number; readonly do: 'close' };

export interface WireError {
  readonly code: string | null;
  readonly message: string;
  readonly details: ErrorDetails;
}

export type Answer =
  | { readonly id: number; readonly error: WireError | null }
  | { readonly id: null; readonly failed: string; readonly error: WireError }
  | { readonly id: null; readonly recovered: string };

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
