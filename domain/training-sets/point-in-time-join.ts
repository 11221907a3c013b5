/**
 * The point-in-time join: for every row of a spine, the values of a view at (entity, row's time).
 * Each event counts from the time on at which it is visible.
 *
 *   visible(e)   event-time: e's event time
 *                as-served:  the later of e's event time and the time from which e is known, by
 *                            rule 1 of decision 5
 *   events       of some entities, in any order
 *   rows         of the same entities, by time: T1 ≤ T2 ≤ …
 *   group        both by entity, and the events of each by visible time: e1 ≤ e2 ≤ e3 ≤ …
 *   merge        for each entity: feed every event with visible(e) ≤ T into the view's windows,
 *                then read them at T
 *
 * Entities do not depend on each other. So any of them can be joined apart, in any thread, and one
 * entity's windows stay in the processor's cache while it is merged. After its last row they are
 * given back. Where one entity has more events than fit in memory, they come in spans of time, and
 * the windows wait for the next span.
 *
 * Where the rows are ends of half-open periods, an event that becomes visible at T does not count
 * in a row of T, either.
 *
 * An event that is not fed yet cannot be read, so no other guard against leakage is needed. Time
 * only moves forward, so windows slide and release what they leave. Lateness plays no part here:
 * events that a live generation dropped as late come as `excluded` positions.
 */

import type { ViewPlan } from '#domain/plan/plan.ts';
import type { ScannedColumns } from '#domain/ports/history.ts';
import { sortRows } from '#domain/values/row-order.ts';
import type { FieldType, Position } from '#domain/values/value.ts';
import { eventRow } from './event-row.ts';
import { grouping } from './grouping.ts';
import { type SlidingOutput, slidingView } from './sliding-view.ts';

export interface EntityEvents extends Omit<ScannedColumns, 'logTime'> {
  /** by event: its entity, from 0; −1: it is left out */
  readonly entities: Int32Array;
  /** by event: when it becomes visible, microseconds since 1970 */
  readonly visible: Float64Array;
}

export interface EntityRows {
  /** how many entities there are */
  readonly entities: number;
  /** by row: its entity; −1: none, and nothing is computed for it */
  readonly ids: Int32Array;
  /** epoch ms, ascending */
  readonly times: Float64Array;
  /** whether an event that is visible from exactly a row's time on is left out of it */
  readonly halfOpen?: boolean;
}

export interface JoinedView {
  readonly plan: ViewPlan;
  /** the fields that the plan's expressions read */
  readonly fields: Readonly<Record<string, FieldType>>;
  /** index of the plan's feature → where its values go, by row */
  readonly outputs: readonly SlidingOutput[];
  readonly excluded?: readonly Position[];
  /** as in `slidingView` */
  readonly marks?: Float64Array;
}

export interface PointInTimeJoin {
  /**
   * Feeds the events of a span of time, and fills rows that no later event counts in.
   * @param last no events follow; else none that follows is visible before one of these
   */
  feed(events: EntityEvents, last: boolean): void;
}

const US_PER_MS = 1000;

const positionsSet = (
  positions: readonly Position[],
): ((partition: number, offset: number) => boolean) | null => {
  if (positions.length === 0) return null;
  const offsets = new Map<number, Set<number>>();
  for (const { partition, offset } of positions) {
    const set = offsets.get(partition) ?? new Set();
    set.add(offset);
    offsets.set(partition, set);
  }
  return (partition, offset) => offsets.get(partition)?.has(offset) === true;
};

export const joinPointInTime = (
  { plan, fields, outputs, excluded = [], marks }: JoinedView,
  { entities, ids, times, halfOpen = false }: EntityRows,
): PointInTimeJoin => {
  const isExcluded = positionsSet(excluded);
  const view = slidingView(plan, entities, outputs, marks);
  const event = eventRow(fields);
  const eventsOf = grouping(entities);
  const rowsOf = grouping(entities);
  rowsOf.group(ids.length, (row) => ids[row] as number);
  /** by entity: its first row that is not filled */
  const unread = new Int32Array(entities);
  for (let entity = 0; entity < entities; entity++) unread[entity] = rowsOf.startOf(entity);

  return {
    feed(events, last) {
      const { count, visible, eventTime, partition, offset } = events;
      const order = [visible, partition, offset];
      event.use(events);
      eventsOf.group(count, (i) =>
        isExcluded?.(partition[i] as number, offset[i] as number)
          ? -1
          : (events.entities[i] as number),
      );
      const { items } = eventsOf;
      for (let entity = 0; entity < entities; entity++) {
        const firstEvent = eventsOf.startOf(entity);
        const lastEvent = eventsOf.ends[entity] as number;
        const lastRow = rowsOf.ends[entity] as number;
        let r = unread[entity] as number;
        if (r === lastRow) continue;
        if (lastEvent - firstEvent > 1) sortRows(items.subarray(firstEvent, lastEvent), order);
        for (let e = firstEvent; e < lastEvent; e++) {
          const i = items[e] as number;
          const seen = Math.floor((visible[i] as number) / US_PER_MS);
          for (; r < lastRow; r++) {
            const row = rowsOf.items[r] as number;
            const at = times[row] as number;
            if (halfOpen ? seen < at : seen <= at) break;
            view.read(entity, at, row);
          }
          if (r === lastRow) break;
          event.at(i);
          view.add(
            entity,
            event.row,
            seen,
            eventTime[i] as number,
            partition[i] as number,
            offset[i] as number,
          );
        }
        for (; last && r < lastRow; r++) {
          const row = rowsOf.items[r] as number;
          view.read(entity, times[row] as number, row);
        }
        if (r === lastRow) view.forget(entity);
        unread[entity] = r;
      }
    },
  };
};
