/**
 * The metrics of one platform. Areas report what happens; hot paths only count. `text` renders all
 * of them in the format of Prometheus.
 */
import type { Operations, PlatformStatus } from '#domain/api/operations.ts';
import type { RejectedEvent } from '#domain/api/publishing.ts';
import type { DegradedMode } from '#domain/ports/degraded.ts';
import type { RequestMeters } from '#domain/ports/request-meter.ts';

/** What became of the OpenLineage events that this gateway emits. */
export interface LineageStats {
  readonly delivered: number;
  readonly refused: number;
  /** events that never reached the log */
  readonly lost: number;
  /** events on the log that the receiver does not have yet */
  readonly lag: number;
  /** commits of the registry whose events are not on the log yet */
  readonly behind: number;
  readonly failing: boolean;
}

/** What is looked up when metrics are requested. */
export interface MetricsSample {
  readonly status: PlatformStatus;
  readonly freshness: Awaited<ReturnType<Operations['freshness']>>;
  /** commits of the registry, and how many of them the log has */
  readonly outbox: { readonly head: number; readonly position: number; readonly failing: boolean };
  /** null or absent: OpenLineage is off */
  readonly lineage?: LineageStats | null;
}

export interface Metrics {
  readonly requests: RequestMeters;
  readonly published: (
    source: string,
    seconds: number,
    accepted: number,
    duplicates: number,
    rejected: readonly RejectedEvent[],
  ) => void;
  /** @param past whether the values are those of a past knowledge time */
  readonly read: (seconds: number, rows: number, past: boolean) => void;
  readonly degraded: (modes: readonly DegradedMode[]) => void;
  /** Creates the series of a service, at 0 until something happens. */
  readonly featureLogService: (service: string) => void;
  readonly featureLogRows: (service: string, rows: number) => void;
  readonly featureLogDropped: (service: string, reason: string, rows: number) => void;
  readonly text: (sample: MetricsSample) => Promise<string>;
}
