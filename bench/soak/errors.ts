/**
 * The only errors that a client may see. While a part restarts, and for a moment after, its server
 * may be unreachable or not ready. At any other time there is no error at all. The operators' guide
 * describes the same.
 */
import { MillraceError } from '#domain/errors.ts';

export const WHILE_RESTARTING: ReadonlySet<string> = new Set([
  // connection errors
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'MR_UNREACHABLE',
  // the server drains or starts, or a part behind it does
  'MR_UNAVAILABLE',
  'MR_VIEW_NOT_READY',
  'MR_POSITION_NOT_REACHED',
  'MR_LOG_UNAVAILABLE',
  'MR_STORE_UNAVAILABLE',
  'MR_ENGINE_UNAVAILABLE',
  'MR_DEADLINE',
  // a data set that was being built when its process ended does not exist any more
  'MR_DATASET_FAILED',
  'MR_NOT_FOUND',
]);

/** An answer that is a refusal. */
export class Refused extends Error {
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(`${status} ${code}: ${message}`);
    this.code = code;
  }
}

export const codeOf = (error: unknown): string => {
  if (error instanceof MillraceError || error instanceof Refused) return error.code;
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  if (typeof code === 'string') return code;
  if (cause !== undefined) return codeOf(cause);
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
};

/** A failure that no restart explains: a wrong answer. */
export class Wrong extends Error {}
