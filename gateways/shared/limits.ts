/**
 * What one request may ask for, what all of them together may hold, and how long clients may take.
 * Each is refused with its own error, which states it; `serve --limit NAME=VALUE` sets one.
 */
export interface GatewayLimits {
  readonly bodyBytes: number;
  readonly events: number;
  readonly entities: number;
  readonly features: number;
  readonly definitions: number;
  /** bodies that are being taken in or worked on, all together */
  readonly inFlightBytes: number;
  /** answers that clients have not read yet, all together: past it, questions are refused */
  readonly unreadBytes: number;
  /** open at once; more are closed at once */
  readonly connections: number;
  /** for a request's head; for all of it */
  readonly headMs: number;
  readonly requestMs: number;
  /** a client that takes nothing of an answer for so long is cut off */
  readonly unreadMs: number;
  /** how long requests in flight may take to end once the gateway closes */
  readonly drainMs: number;
}

export const DEFAULT_LIMITS: GatewayLimits = {
  bodyBytes: 16 * 1024 * 1024,
  events: 10_000,
  entities: 5_000,
  features: 1_000,
  definitions: 1_000,
  inFlightBytes: 64 * 1024 * 1024,
  unreadBytes: 256 * 1024 * 1024,
  connections: 10_000,
  headMs: 20_000,
  requestMs: 300_000,
  unreadMs: 120_000,
  drainMs: 10_000,
};
