/**
 * value(view, entity, at, known) by its definition: the entity's raw events, filtered and folded.
 * It answers the reads that tiles cannot: most past reads, and an online read of an entity that has
 * an event ahead of the clock.
 */

import { decodeKey } from '#domain/plan/entity-key.ts';
import type { FeatureStatus, ViewPlan } from '#domain/plan/plan.ts';
import type { Knowledge } from '#domain/sources/knowledge.ts';
import { foldFeatures } from '#domain/tiles/fold.ts';
import type { RawEvent, Row, Value } from '#domain/values/value.ts';
import type { RawEvents } from './raw-events.ts';

interface HistoricalRead {
  readonly plan: ViewPlan;
  /** encoded entity key */
  readonly key: string;
  /** epoch ms */
  readonly at: number;
  /** only events that were known count; absent: all do */
  readonly knowledge?: Knowledge;
  /**
   * Whether the tiles lack an event because it was late: it is left out here, too. It is called
   * when the events have been read; null: the tiles lack none.
   */
  readonly leftOut?: () => Promise<((event: RawEvent) => boolean) | null>;
}

interface HistoricalValue {
  readonly values: readonly Value[];
  readonly status: readonly FeatureStatus[];
  readonly events: readonly RawEvent[];
}

/** The earliest event time that a value at `at` covers; −∞: a feature covers all time. */
export const coveredFrom = (plan: ViewPlan, at: number): number => {
  // The newest event says whether the entity exists, however old it is.
  if (plan.existence !== null) return Number.NEGATIVE_INFINITY;
  let from = at;
  for (const feature of plan.features) {
    const hop = plan.hops[feature.hop]?.hopMs ?? 0;
    if (feature.windowMs === null || hop === 0) return Number.NEGATIVE_INFINITY;
    from = Math.min(from, Math.floor((at - feature.windowMs) / hop) * hop);
  }
  return from;
};

/** The entity's keys as values of the source's fields. */
const keyFields = (plan: ViewPlan, key: string): Row => {
  const entity = decodeKey(key, plan.keys);
  return Object.fromEntries(plan.keys.map(({ name, field }) => [field, entity[name] as Value]));
};

/** The first of the growing steps back to the entity's newest event, which decides the status. */
const LOOK_BACK_MS = 90 * 86_400_000;

export const readHistorical = async (
  rawEvents: RawEvents,
  { plan, key, at, knowledge, leftOut }: HistoricalRead,
): Promise<HistoricalValue> => {
  const where = keyFields(plan, key);
  const query = async (from: number, to: number): Promise<RawEvent[]> => {
    const events = await rawEvents({
      source: plan.source,
      where,
      to,
      ...(from === Number.NEGATIVE_INFINITY ? {} : { from }),
      ...(knowledge === undefined ? {} : { knowledge }),
    });
    const counted = plan.filter;
    const isLate = (await leftOut?.()) ?? null;
    return events.filter(
      (event) => (counted === null || counted(event.row) === true) && !(isLate?.(event) ?? false),
    );
  };
  let from = coveredFrom(plan, at);
  let events = await query(from, at);
  for (
    let step = LOOK_BACK_MS;
    events.length === 0 && from !== Number.NEGATIVE_INFINITY;
    step *= 16
  ) {
    const to = from - 1;
    from = step > 100_000 * 86_400_000 ? Number.NEGATIVE_INFINITY : from - step;
    events = await query(from, to);
  }
  return { ...foldFeatures(plan, events, key, at), events };
};
