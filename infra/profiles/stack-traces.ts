/**
 * The stack's traces: what a cached copy takes in is told, and word of it goes to the other
 * gateways.
 */

import { type Traces, tracesOf } from '#application/traced-areas.ts';
import type { Tracing } from '#domain/ports/tracing.ts';
import { tracedChannel } from '#infra/redis/traced-channel.ts';
import { type CacheTraces, createCacheTraces } from '#projections/cache/cache-traces.ts';

export interface StackTraces {
  /** as the adapters have it */
  readonly adapter: { readonly traces?: Traces };
  readonly ofCache: (view: string, raw: string) => { readonly traces?: CacheTraces };
  readonly close: () => void;
}

/** @param redis null: there is no cached copy */
export const stackTraces = (
  tracing: Tracing | null | undefined,
  redis: { readonly host: string; readonly port: number } | null,
  now: () => number,
): StackTraces => {
  const traces = tracesOf(tracing, 'kafka');
  if (traces === undefined) return { adapter: {}, ofCache: () => ({}), close: () => {} };
  const told = redis === null ? null : tracedChannel(traces.updates, redis);
  const updates = told?.updates ?? traces.updates;
  return {
    adapter: { traces },
    ofCache: (view, raw) => ({ traces: createCacheTraces({ ...traces, updates, view, raw, now }) }),
    close: () => told?.close(),
  };
};
