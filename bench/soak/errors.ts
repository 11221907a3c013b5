/**
 * What a client may see, and nothing else. While a part restarts, and for a moment after: that its
 * server is not there, or not ready. At any other time: no error at all. The operators' guide says
 * the same in words.
 */
import { MillraceError } from '#domain/errors.ts';

export const WHILE_RESTARTING: ReadonlySet<string> = new Set([
  // the way to it
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'MR_UNREACHABLE',
  // it drains, starts, or a part behind it does
  'MR_UNAVAILABLE',
  'MR_VIEW_NOT_READY',
  'MR_POSITION_NOT_REACHED',
  'MR_LOG_UNAVAILABLE',
  'MR_STORE_UNAVAILABLE',
  'MR_ENGINE_UNAVAILABLE',
  'MR_DEADLINE',
  // a data set that was being made when its process ended is not there any more
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

/** Something that no restart explains: a wrong answer. */
export class Wrong extends Error {}
