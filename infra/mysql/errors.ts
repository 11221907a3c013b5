/**
 * Which errors of the client mean that the server is unavailable: the condition is temporary, and
 * callers may repeat the request.
 */

const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
/** The client's codes for a connection that broke, hung or could not be opened. */
const CLIENT = /^(PROTOCOL|HANDSHAKE|POOL)_/;
/** Errors without a code. */
const MESSAGES = new Set([
  'Pool is closed.',
  "Can't add new command when connection is in closed state",
]);
/** Server errors about its state: too many connections, shutting down, connection closed. */
const SERVER = new Set([1040, 1053, 1152, 1203, 1927, 4031]);

interface ClientError {
  readonly code?: unknown;
  readonly errno?: unknown;
  readonly message?: unknown;
}

/** The server's number of an error; 0: not an error of the server. */
export const numberOf = (error: unknown): number => {
  const { errno } = (error ?? {}) as ClientError;
  return typeof errno === 'number' && errno >= 1000 ? errno : 0;
};

/** Other errors are the server's answers to statements, or defects, and are thrown unchanged. */
export const isUnavailable = (error: unknown): boolean => {
  const { code, message } = (error ?? {}) as ClientError;
  const number = numberOf(error);
  if (number > 0) return SERVER.has(number);
  return (
    (typeof code === 'string' && (NETWORK.has(code) || CLIENT.test(code))) ||
    MESSAGES.has(String(message))
  );
};
