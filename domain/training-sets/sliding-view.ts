/**
 * A view's values for a fixed set of entities over a time that only moves forward: value(view,
 * entity, at) by the rules of the tile store (windows, ttl, nulls), from sliding windows. The tests
 * compare both with the definition.
 */

import { type Finalized, OVERFLOW } from '#domain/aggregations/aggregation.ts';
import { coveredFrom } from '#domain/plan/covered-from.ts';
import type { PlannedFeature, PlannedPartial, ViewPlan } from '#domain/plan/plan.ts';
import type { Row, Value } from '#domain/values/value.ts';
import { type ResultValues, setValue } from './columns.ts';
import { SlidingWindow, type WindowPlan } from './sliding-window.ts';
import { EXPIRED, NOT_FOUND, NULL, OVERFLOWED, PRESENT, type StatusCodes } from './statuses.ts';

export interface SlidingOutput {
  /** index of the plan's feature */
  readonly feature: number;
  readonly values: ResultValues;
  /** absent: statuses are not wanted, and cost nothing */
  readonly statuses?: StatusCodes;
}

export interface SlidingView {
  /** @param now the event's time is not after it, and no later read is before it */
  add(
    entity: number,
    row: Row,
    now: number,
    eventTime: number,
    partition: number,
    offset: number,
  ): void;
  read(entity: number, at: number, row: number): void;
  /** gives back the entity's tiles: no event of it is added any more, and none is read */
  forget(entity: number): void;
  /** number of tiles and totals in memory */
  readonly size: number;
}

type Expression = (row: Row) => Value;

type Put = (row: number, value: Finalized) => void;

const putValue = (values: ResultValues): Put =>
  values instanceof Float64Array
    ? (row, value) => {
        values[row] = value === null || value === OVERFLOW ? Number.NaN : (value as number);
      }
    : (row, value) => setValue(values, row, value === OVERFLOW ? null : value);

/** For an entity that exists and has not expired. */
const putter = ({ values, statuses }: SlidingOutput): Put => {
  const put = putValue(values);
  if (statuses === undefined) return put;
  return (row, value) => {
    put(row, value);
    statuses[row] = value === OVERFLOW ? OVERFLOWED : value === null ? NULL : PRESENT;
  };
};

/** Features grouped by (hop, window), each group with the partials that it needs. */
const windowPlans = (
  plan: ViewPlan,
  outputs: readonly SlidingOutput[],
  indexOf: (f: Expression | null) => number,
): WindowPlan[] => {
  const groups = new Map<
    string,
    { readonly hop: number; readonly windowMs: number | null; readonly of: SlidingOutput[] }
  >();
  for (const output of outputs) {
    const { hop, windowMs } = plan.features[output.feature] as PlannedFeature;
    const id = `${hop}/${windowMs}`;
    const group = groups.get(id) ?? { hop, windowMs, of: [] };
    group.of.push(output);
    groups.set(id, group);
  }
  return [...groups.values()].map(({ hop, windowMs, of }) => {
    const group = plan.hops[hop] as ViewPlan['hops'][number];
    const featuresOf = of.map((output) => ({
      feature: plan.features[output.feature] as PlannedFeature,
      put: putter(output),
    }));
    const used = [...new Set(featuresOf.flatMap(({ feature }) => feature.partials))];
    const partials = used.map((p) => {
      const planned = group.partials[p] as PlannedPartial;
      return {
        partial: planned.partial,
        input: indexOf(planned.evaluate),
        filter: indexOf(planned.filter),
      };
    });
    const features = featuresOf.map(({ feature, put }) => ({
      feature,
      put,
      states: feature.partials.map((p) => used.indexOf(p)),
    }));
    return { hopMs: group.hopMs, windowMs, partials, features };
  });
};

/** Whether the newest event of an entity says that it exists: `existence` of the plan. */
const newestExistence = (entities: number, evaluate: Expression) => {
  const times = new Float64Array(entities).fill(Number.NEGATIVE_INFINITY);
  const partitions = new Int32Array(entities);
  const offsets = new Float64Array(entities);
  const exists = new Uint8Array(entities);
  return {
    add(entity: number, row: Row, eventTime: number, partition: number, offset: number): void {
      const later =
        eventTime - (times[entity] as number) ||
        partition - (partitions[entity] as number) ||
        offset - (offsets[entity] as number);
      if (later < 0) return;
      times[entity] = eventTime;
      partitions[entity] = partition;
      offsets[entity] = offset;
      exists[entity] = evaluate(row) === 1 ? 1 : 0;
    },
    has: (entity: number): boolean => exists[entity] === 1,
  };
};

/** Where the earliest window that ends at a time begins. Rows are read by time, so one is kept. */
const windowsFrom = (plan: ViewPlan): ((at: number) => number) => {
  let [kept, from] = [Number.NaN, 0];
  return (at) => {
    if (at !== kept) [kept, from] = [at, coveredFrom(plan, at)];
    return from;
  };
};

/**
 * @param marks by row: 1 where the entity exists, has not expired, and one of its windows has an
 * event
 */
export const slidingView = (
  plan: ViewPlan,
  entities: number,
  outputs: readonly SlidingOutput[],
  marks?: Float64Array,
): SlidingView => {
  const expressions: Expression[] = [];
  const indexOf = (f: Expression | null): number => {
    if (f === null) return -1;
    const found = expressions.indexOf(f);
    return found >= 0 ? found : expressions.push(f) - 1;
  };
  const windows = windowPlans(plan, outputs, indexOf).map(
    (window) => new SlidingWindow(window, entities + 1),
  );
  const results: Value[] = new Array<Value>(expressions.length).fill(null);
  const newest = new Float64Array(entities).fill(Number.NEGATIVE_INFINITY);
  const order = { eventTime: 0, partition: 0, offset: 0 };
  const { filter, ttlMs, existence } = plan;
  /** one entity more, which never has an event */
  const withoutEvents = entities;
  const existing = existence === null ? null : newestExistence(entities, existence.evaluate);
  const statuses = outputs.flatMap((output) => output.statuses ?? []);
  const begins = windowsFrom(plan);
  /** the same status of all features */
  const mark = (row: number, status: number): void => {
    for (let i = 0; i < statuses.length; i++) (statuses[i] as StatusCodes)[row] = status;
  };
  return {
    add(entity, row, now, eventTime, partition, offset) {
      if (filter !== null && filter(row) !== true) return;
      if (eventTime > (newest[entity] as number)) newest[entity] = eventTime;
      existing?.add(entity, row, eventTime, partition, offset);
      for (let i = 0; i < expressions.length; i++) results[i] = (expressions[i] as Expression)(row);
      order.eventTime = eventTime;
      order.partition = partition;
      order.offset = offset;
      for (let w = 0; w < windows.length; w++)
        (windows[w] as SlidingWindow).add(entity, now, order, results);
    },
    read(entity, at, row) {
      // Columns start as null. For an expired entity they stay so; one without events has its
      // counts.
      const last = newest[entity] as number;
      if (existing !== null && !existing.has(entity)) {
        for (let w = 0; w < windows.length; w++)
          (windows[w] as SlidingWindow).read(withoutEvents, at, row);
        mark(row, NOT_FOUND);
        return;
      }
      if (ttlMs !== null && last !== Number.NEGATIVE_INFINITY && last < at - ttlMs) {
        mark(row, EXPIRED);
        return;
      }
      for (let w = 0; w < windows.length; w++) (windows[w] as SlidingWindow).read(entity, at, row);
      if (last === Number.NEGATIVE_INFINITY) mark(row, NOT_FOUND);
      else if (marks !== undefined && last >= begins(at)) marks[row] = 1;
    },
    forget(entity) {
      for (let w = 0; w < windows.length; w++) (windows[w] as SlidingWindow).forget(entity);
    },
    get size() {
      return windows.reduce((sum, window) => sum + window.size, 0);
    },
  };
};
