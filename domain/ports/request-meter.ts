/** Meters of the requests that gateways have answered. */
import type { ErrorCode } from '#domain/errors.ts';

/** @param refusal the code of a refused request; null where it was answered */
export type RequestMeter = (
  seconds: number,
  status: number | string,
  refusal: ErrorCode | null,
) => void;

export interface RequestMeters {
  /**
   * Bound once for each route, so that a request costs some tens of nanoseconds.
   * @param route from a closed list, never from a request: each creates a series
   */
  readonly route: (protocol: 'http' | 'grpc', route: string) => RequestMeter;
}
