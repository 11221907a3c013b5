/**
 * value(view, entity, at, known) by its definition: each entity's raw events, filtered and folded.
 * It answers the reads that tiles cannot: most past reads, and an online read of an entity that has
 * an event ahead of the clock.
 */

import { coveredFrom } from '#domain/plan/covered-from.ts';
import { compileKeyOf, decodeKey } from '#domain/plan/entity-key.ts';
import type { FeatureStatus, ViewPlan } from '#domain/plan/plan.ts';
import type { Knowledge } from '#domain/sources/knowledge.ts';
import { foldFeatures } from '#domain/tiles/fold.ts';
import type { RawEvent, Row, Value } from '#domain/values/value.ts';
import type { RawEvents } from './raw-events.ts';

interface HistoricalRead {
  readonly plan: ViewPlan;
  /** encoded entity keys */
  readonly keys: readonly string[];
  /** epoch ms */
  readonly at: number;
  /** only events that were known count; absent: all do */
  readonly knowledge?: Knowledge;
  /**
   * Whether the tiles lack an event because it was late: it is left out here, too. It is called
   * when the events have been read; null: the tiles lack none.
   */
  readonly leftOut?: () => Promise<((event: RawEvent) => boolean) | null>;
  /** whether the events have all fields of the source; default: those that the plan reads */
  readonly wholeRows?: boolean;
}

export interface HistoricalValue {
  readonly values: readonly Value[];
  readonly status: readonly FeatureStatus[];
  readonly events: readonly RawEvent[];
}

/** The entity's keys as values of the source's fields. */
const keyFields = (plan: ViewPlan, key: string): Row => {
  const entity = decodeKey(key, plan.keys);
  return Object.fromEntries(plan.keys.map(({ name, field }) => [field, entity[name] as Value]));
};

/** The first of the growing steps back to the entity's newest event, which decides the status. */
const LOOK_BACK_MS = 90 * 86_400_000;
/** The events of so many entities are in memory at once. */
const ENTITIES_AT_ONCE = 256;

type EventsByKey = ReadonlyMap<string, readonly RawEvent[]>;

/** The events that decide the values of these entities. One pass over the events serves all. */
const eventsOf = async (
  rawEvents: RawEvents,
  { plan, at, knowledge, leftOut, wholeRows = false }: Omit<HistoricalRead, 'keys'>,
  keys: readonly string[],
): Promise<EventsByKey> => {
  const keyOf = compileKeyOf(plan.keys);
  const counted = plan.filter;
  const fields = [...new Set([...plan.keys.map(({ field }) => field), ...Object.keys(plan.reads)])];
  const found = new Map<string, RawEvent[]>();
  const take = async (
    wanted: readonly string[],
    from: number,
    to: number,
    lookBack = false,
  ): Promise<void> => {
    const events = await rawEvents({
      source: plan.source,
      anyOf: wanted.map((key) => keyFields(plan, key)),
      to,
      ...(from === Number.NEGATIVE_INFINITY ? {} : { from }),
      ...(knowledge === undefined ? {} : { knowledge }),
      ...(wholeRows ? {} : { fields }),
      ...(lookBack ? { lookBack } : {}),
    });
    const isLate = (await leftOut?.()) ?? null;
    for (const event of events) {
      if (counted !== null && counted(event.row) !== true) continue;
      if (isLate?.(event) ?? false) continue;
      const key = keyOf(event.row) as string;
      const list = found.get(key);
      if (list === undefined) found.set(key, [event]);
      else list.push(event);
    }
  };
  let from = coveredFrom(plan, at);
  await take(keys, from, at);
  for (let step = LOOK_BACK_MS; from !== Number.NEGATIVE_INFINITY; step *= 16) {
    const without = keys.filter((key) => !found.has(key));
    if (without.length === 0) break;
    const to = from - 1;
    from = step > 100_000 * 86_400_000 ? Number.NEGATIVE_INFINITY : from - step;
    await take(without, from, to, true);
  }
  return found;
};

/** @returns by key, in the order of `keys` */
export const readHistorical = async (
  rawEvents: RawEvents,
  { keys, ...read }: HistoricalRead,
): Promise<readonly HistoricalValue[]> => {
  const { plan, at } = read;
  const distinct = [...new Set(keys)];
  const byKey = new Map<string, HistoricalValue>();
  for (let i = 0; i < distinct.length; i += ENTITIES_AT_ONCE) {
    const some = distinct.slice(i, i + ENTITIES_AT_ONCE);
    const found = await eventsOf(rawEvents, read, some);
    for (const key of some) {
      const events = found.get(key) ?? [];
      byKey.set(key, { ...foldFeatures(plan, events, key, at), events });
    }
  }
  return keys.map((key) => byKey.get(key) as HistoricalValue);
};
