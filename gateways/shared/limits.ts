/**
 * Limits of one request, of all requests together, and of time. The refusal for each states the
 * limit; `serve --limit NAME=VALUE` sets one.
 */
export interface GatewayLimits {
  readonly bodyBytes: number;
  readonly events: number;
  readonly entities: number;
  readonly features: number;
  /** entities times features of one read */
  readonly cells: number;
  readonly definitions: number;
  /** bodies of all requests in progress together */
  readonly inFlightBytes: number;
  /** those of one key or token */
  readonly callerInFlightBytes: number;
  /** all answers together that clients have not read yet; above it, requests are refused */
  readonly unreadBytes: number;
  /** those of one key or token; above it, its requests are refused */
  readonly callerUnreadBytes: number;
  /** open connections; further ones are closed */
  readonly connections: number;
  /** time for the headers of a request, and for all of it */
  readonly headMs: number;
  readonly requestMs: number;
  /** the connection of a client that reads nothing of an answer for so long is closed */
  readonly unreadMs: number;
  /** how long requests in flight may take when the gateway closes */
  readonly drainMs: number;
}

export const DEFAULT_LIMITS: GatewayLimits = {
  bodyBytes: 16 * 1024 * 1024,
  events: 10_000,
  entities: 5_000,
  features: 1_000,
  cells: 500_000,
  definitions: 1_000,
  inFlightBytes: 64 * 1024 * 1024,
  callerInFlightBytes: 32 * 1024 * 1024,
  unreadBytes: 256 * 1024 * 1024,
  callerUnreadBytes: 64 * 1024 * 1024,
  connections: 10_000,
  headMs: 20_000,
  requestMs: 300_000,
  unreadMs: 120_000,
  drainMs: 10_000,
};
