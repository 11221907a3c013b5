/** Whether an entity of a view over a dimension exists, by its tiles or by its events. */
import { entriesOf } from '#domain/aggregations/first-last.ts';
import type { HopGroup, PlannedPartial, ViewPlan } from '#domain/plan/plan.ts';
import type { RawEvent } from '#domain/values/value.ts';
import type { ReadableTiles } from './merge-tiles.ts';

/**
 * By the tile of all time, if no event of the entity is later than the time of the read.
 * @param groups the tiles of each hop of the plan
 */
export const existsInTiles = (
  { existence, hops }: ViewPlan,
  groups: readonly ReadableTiles[],
  entity: number,
): boolean => {
  if (existence === null) return true;
  const group = groups[existence.hop] as ReadableTiles;
  const list = group.lists[entity];
  const slot = list?.slots[list.head];
  if (slot === undefined) return false;
  const { n, r } = (hops[existence.hop] as HopGroup).partials[existence.partial] as PlannedPartial;
  return entriesOf(group.at(slot, n, r))[0]?.value === 1;
};

/** @param events all events of the entity up to the time of the read, in any order */
export const existsInEvents = ({ existence }: ViewPlan, events: readonly RawEvent[]): boolean => {
  if (existence === null) return true;
  let last: RawEvent | undefined;
  for (const event of events)
    if (
      last === undefined ||
      (event.eventTime - last.eventTime ||
        event.partition - last.partition ||
        event.offset - last.offset) > 0
    )
      last = event;
  return last !== undefined && existence.evaluate(last.row) === 1;
};
