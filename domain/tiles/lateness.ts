/**
 * The lateness rule. An event is late if the widest of its tiles closed before the watermark: the
 * tile ended more than the view's lateness before it. A late event counts in none of its tiles; the
 * engine reports it in late.<view>. Without a declared lateness, or without windows, no event is
 * late.
 *
 * An imported event (`domain/sources/knowledge.ts`) is never late, and its known time stands in for
 * its log time below.
 *
 * The watermark is the largest min(event time, log time) so far, so a producer's clock ahead of the
 * log's cannot move it past the log time.
 *
 * `TileStore.isLate` (`tile-store.ts`) applies the rule in order of processing. Flink SQL has the
 * same rule with one watermark for each partition (`domain/sql/flink/lateness.ts`).
 */
import type { ViewPlan } from '#domain/plan/plan.ts';

export interface LateEvent {
  /** encoded entity key */
  readonly key: string;
  /** epoch ms */
  readonly eventTime: number;
  readonly partition: number;
  readonly offset: number;
  /** the widest hop of the view, ms */
  readonly hopMs: number;
  /** how far the watermark was past the tile's closing time, ms */
  readonly lateBy: number;
}

/** The widest hop that closes tiles, ms; 0 where all features are of all time. */
export const widestHopMs = (plan: ViewPlan): number =>
  Math.max(0, ...plan.hops.map((hop) => hop.hopMs));

/** Whether an event of the view can be late at all. */
export const closesTiles = (plan: ViewPlan): boolean =>
  plan.latenessMs !== null && widestHopMs(plan) > 0;

/** When the tile of `eventTime` closes: its end plus the lateness, epoch ms. */
export const closingTime = (eventTime: number, hopMs: number, latenessMs: number): number =>
  (Math.floor(eventTime / hopMs) + 1) * hopMs + latenessMs;
