/** What one request may ask for. Each limit is refused with its own error, which states it. */
export interface HttpLimits {
  readonly bodyBytes: number;
  readonly events: number;
  readonly entities: number;
  readonly features: number;
  readonly definitions: number;
  /** how long requests in flight may take to end once the gateway closes */
  readonly drainMs: number;
}

export const DEFAULT_LIMITS: HttpLimits = {
  bodyBytes: 16 * 1024 * 1024,
  events: 10_000,
  entities: 5_000,
  features: 1_000,
  definitions: 1_000,
  drainMs: 10_000,
};
