/**
 * The point-in-time join: for every row of a spine, the values of views at (entity, row's time).
 * Each event counts from the time on at which it is visible.
 *
 *   visible(e)   event-time: e's event time
 *                as-served:  the later of e's event time and the time from which e is known, by
 *                            rule 1 of decision 5
 *   events       sorted by visible time: e1 ≤ e2 ≤ e3 ≤ …
 *   spine        sorted by its time: T1 ≤ T2 ≤ …
 *   merge        feed every event with visible(e) ≤ T into the view's windows, then read them at T
 *
 * A batch is merged entity by entity. Entities do not depend on each other, and one entity's
 * windows stay in the processor's cache while its part of the batch is merged. Event by event, the
 * windows would be loaded from memory again each time.
 *
 * Where the rows are ends of half-open periods, an event that becomes visible at T does not count
 * in a row of T, either.
 *
 * An event that is not fed yet cannot be read, so no other guard against leakage is needed. Time
 * only moves forward, so windows slide and release what they leave: the state is no larger than a
 * server's. Events of entities that are not in the spine are skipped. Lateness plays no part here:
 * events that a live generation dropped as late come as `excluded` positions.
 */

import type { ViewPlan } from '#domain/plan/plan.ts';
import type { ScannedColumns } from '#domain/ports/history.ts';
import type { FieldType, Position } from '#domain/values/value.ts';
import { type EventRow, eventEntities, eventRow } from './event-row.ts';
import { grouping } from './grouping.ts';
import { type SlidingOutput, slidingView } from './sliding-view.ts';
import type { SpineKeys } from './spine-keys.ts';

export interface VisibleEvents extends ScannedColumns {
  /** ascending, over all batches of a scan */
  readonly visible: Float64Array;
}

export interface JoinedView {
  readonly plan: ViewPlan;
  /** the fields that the plan's expressions read */
  readonly fields: Readonly<Record<string, FieldType>>;
  readonly keys: SpineKeys;
  /** index of the plan's feature → where its values go, by row of the spine */
  readonly outputs: readonly SlidingOutput[];
  readonly excluded?: readonly Position[];
  /** as in `slidingView` */
  readonly marks?: Float64Array;
}

/** One scan of one source, and the views over it. */
export interface JoinPass {
  /** every field that the views read, keys included */
  readonly fields: Readonly<Record<string, FieldType>>;
  readonly views: readonly JoinedView[];
  readonly events: AsyncIterable<VisibleEvents>;
}

export interface JoinSpine {
  /** epoch ms, by row */
  readonly times: Float64Array;
  /** the rows to answer, by time */
  readonly order: Uint32Array;
  /** whether an event that is visible from exactly a row's time on is left out of it */
  readonly halfOpen?: boolean;
}

export interface JoinOptions {
  readonly signal?: AbortSignal;
  /** called after each batch, with the number of events fed so far */
  readonly onProgress?: (events: number) => void;
}

interface Feed {
  /**
   * Feeds the batch and fills the rows order[from‥to), none of which is later than the batch's last
   * event.
   */
  merge(batch: VisibleEvents, from: number, to: number): void;
  /** fills the remaining rows, when every event is fed */
  rest(from: number): void;
}

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

const feedOf = (
  { plan, fields, outputs, keys, excluded = [], marks }: JoinedView,
  whole: EventRow,
  { order, halfOpen = false }: JoinSpine,
  sorted: Float64Array,
): Feed => {
  const { ids } = keys;
  const count = keys.keys.length;
  const entities = new Map(keys.keys.map((key, id) => [key, id]));
  const entitiesOf = eventEntities(plan, whole, (key) => entities.get(key) ?? -1);
  const isExcluded = positionsSet(excluded);
  const view = slidingView(plan, count, outputs, marks);
  const event = eventRow(fields);
  const eventGroups = grouping(count);
  const rowGroups = grouping(count);
  return {
    merge(batch, from, to) {
      const { count: events, visible, eventTime, partition, offset } = batch;
      entitiesOf.use(batch);
      event.use(batch);
      eventGroups.group(events, (i) =>
        isExcluded?.(partition[i] as number, offset[i] as number) ? -1 : entitiesOf.of(i),
      );
      rowGroups.group(to - from, (i) => ids[order[from + i] as number] as number);
      for (let entity = 0; entity < count; entity++) {
        const lastEvent = eventGroups.ends[entity] as number;
        const lastRow = rowGroups.ends[entity] as number;
        let r = rowGroups.startOf(entity);
        for (let e = eventGroups.startOf(entity); e < lastEvent; e++) {
          const i = eventGroups.items[e] as number;
          const seen = visible[i] as number;
          for (; r < lastRow; r++) {
            const place = from + (rowGroups.items[r] as number);
            const at = sorted[place] as number;
            if (halfOpen ? seen < at : seen <= at) break;
            view.read(entity, at, order[place] as number);
          }
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
        for (; r < lastRow; r++) {
          const place = from + (rowGroups.items[r] as number);
          view.read(entity, sorted[place] as number, order[place] as number);
        }
      }
    },
    rest(from) {
      for (let i = from; i < order.length; i++) {
        const row = order[i] as number;
        const entity = ids[row] as number;
        if (entity >= 0) view.read(entity, sorted[i] as number, row);
      }
    },
  };
};

/**
 * Fills the outputs of every view of the pass. Stops with the signal's reason where it is aborted.
 */
export const joinPointInTime = async (
  pass: JoinPass,
  { times, order, halfOpen = false }: JoinSpine,
  { signal, onProgress }: JoinOptions = {},
): Promise<void> => {
  const event = eventRow(pass.fields);
  /** times in the order of the rows: they are read sequentially, `times` would be at random */
  const sorted = Float64Array.from(order, (row) => times[row] as number);
  const feeds = pass.views.map((view) => feedOf(view, event, { times, order, halfOpen }, sorted));
  let next = 0;
  let fed = 0;
  for await (const batch of pass.events) {
    signal?.throwIfAborted();
    if (batch.count === 0) continue;
    // Rows at the time of the last event wait: the next batch can start with an event of that
    // time. Half-open ones do not: they must be read before this batch's events of that time.
    const last = batch.visible[batch.count - 1] as number;
    const isDue = (at: number): boolean => (halfOpen ? at <= last : at < last);
    let to = next;
    while (to < order.length && isDue(sorted[to] as number)) to++;
    event.use(batch);
    for (const feed of feeds) feed.merge(batch, next, to);
    next = to;
    fed += batch.count;
    onProgress?.(fed);
    if (next === order.length) return;
  }
  signal?.throwIfAborted();
  for (const feed of feeds) feed.rest(next);
};
