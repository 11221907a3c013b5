/**
 * Which of the client's errors mean that there is no server to ask: that passes by itself, and
 * whoever asks is told to ask again.
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
/** The client's own: what it calls a connection that broke, hung or never came to be. */
const CLIENT = /^(PROTOCOL|HANDSHAKE|POOL)_/;
/** It says neither by a code. */
const MESSAGES = new Set([
  'Pool is closed.',
  "Can't add new command when connection is in closed state",
]);
/**
 * A server's refusals that are about its state, not about what was asked: too many connections,
 * going down, it cut the connection.
 */
const SERVER = new Set([1040, 1053, 1152, 1203, 1927, 4031]);

interface ClientError {
  readonly code?: unknown;
  readonly errno?: unknown;
  readonly message?: unknown;
}

/** The server's own number of an error; 0: it is not the server's. */
export const numberOf = (error: unknown): number => {
  const { errno } = (error ?? {}) as ClientError;
  return typeof errno === 'number' && errno >= 1000 ? errno : 0;
};

/**
 * Anything else is the server's answer to what was asked, or a mistake of ours, and passes as it
 * is.
 */
export const isUnavailable = (error: unknown): boolean => {
  const { code, message } = (error ?? {}) as ClientError;
  const number = numberOf(error);
  if (number > 0) return SERVER.has(number);
  return (
    (typeof code === 'string' && (NETWORK.has(code) || CLIENT.test(code))) ||
    MESSAGES.has(String(message))
  );
};
