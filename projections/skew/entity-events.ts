/** The raw events of many entities, with one scan for each source. */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import type { RawEvent } from '#domain/values/value.ts';
import { turns } from '../turns.ts';

/** An entity as one plan names it, and the event times that are needed. */
export interface WantedEntity {
  readonly source: SourceDefinition;
  readonly plan: ViewPlan;
  readonly key: string;
  /** epoch ms; −∞: from the beginning */
  readonly from: number;
  readonly to: number;
}

export type EntityEvents = (plan: ViewPlan, key: string) => readonly RawEvent[];

/** Plans whose keys come from the same fields encode an entity in the same way. */
const keyedBy = ({ source, keys }: ViewPlan): string =>
  JSON.stringify([source, keys.map(({ field }) => field)]);

interface Keyed {
  readonly plan: ViewPlan;
  readonly events: Map<string, RawEvent[]>;
}

/** @param below by source: only events below these offsets count; the history has all of them */
export const collectEvents = async (
  history: Pick<HistoryTables, 'scan'>,
  wanted: readonly WantedEntity[],
  below: (source: string) => readonly number[],
): Promise<EntityEvents> => {
  const keyed = new Map<string, Keyed>();
  const sources = new Map<
    string,
    { readonly source: SourceDefinition; from: number; to: number }
  >();
  const turn = turns();
  for (const { source, plan, key, from, to } of wanted) {
    await turn();
    const id = keyedBy(plan);
    const found = keyed.get(id) ?? { plan, events: new Map<string, RawEvent[]>() };
    keyed.set(id, found);
    if (!found.events.has(key)) found.events.set(key, []);
    const range = sources.get(source.name);
    if (range === undefined) sources.set(source.name, { source, from, to });
    else {
      range.from = Math.min(range.from, from);
      range.to = Math.max(range.to, to);
    }
  }
  for (const { source, from, to } of sources.values()) {
    const mine = [...keyed.values()].filter(({ plan }) => plan.source === source.name);
    const range = { to, ...(Number.isFinite(from) ? { from } : {}) };
    const query = {
      source: source.name,
      fields: Object.keys(source.fields),
      below: below(source.name),
      ...range,
    };
    for await (const events of history.scan(query))
      for (const event of events)
        for (const { plan, events: kept } of mine) {
          const key = plan.keyOf(event.row);
          if (key !== null) kept.get(key)?.push(event);
        }
  }
  return (plan, key) => keyed.get(keyedBy(plan))?.events.get(key) ?? [];
};
