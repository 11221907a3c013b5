/** What engines refuse, as errors of the platform. */
import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';
import type { RemoteEngine } from '#domain/sql/tables/engine-names.ts';
import { TABLE_SYNTAXES } from '#domain/sql/tables/table-syntaxes.ts';

const titleOf = (engine: RemoteEngine): string => TABLE_SYNTAXES[engine].title;

/** The statement is wrong; the engine's message is about it. */
export const invalidOn = (engine: RemoteEngine, message: string): MillraceError =>
  new MillraceError('MR_SQL_INVALID', `${titleOf(engine)}: ${message.trim()}`, { engine });

/** @param address without a password */
export const unavailable = (engine: RemoteEngine, address: string, cause: unknown): MillraceError =>
  new MillraceError(
    'MR_SQL_ENGINE_UNAVAILABLE',
    `${titleOf(engine)} at ${address} does not answer`,
    { engine, address, cause: messageOf(cause) },
  );

/** @param cause a short name: the message may show where tables are stored */
export const failedOn = (engine: RemoteEngine, cause: string): MillraceError =>
  new MillraceError(
    'MR_SQL_ENGINE_FAILED',
    `${titleOf(engine)} failed while it ran the statement (${cause}); its log has the reason`,
    { engine, cause },
  );

const NETWORK = /ECONNREFUSED|ECONNRESET|ENOTFOUND|EHOSTUNREACH|ETIMEDOUT|EPIPE|socket hang up/;

/** Whether the engine was not reached, or went away. */
export const isNetworkError = (error: unknown): boolean => {
  const { code, cause } = (error ?? {}) as { readonly code?: unknown; readonly cause?: unknown };
  return (
    NETWORK.test(`${String(code)} ${messageOf(error)}`) ||
    (cause !== undefined && cause !== error && isNetworkError(cause))
  );
};
