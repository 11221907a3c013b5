/** Raw events and rows in the columns of the join, in spans and orders of any kind. */

import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { CodedColumn, ScannedColumn } from '#domain/ports/history.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import { isNumberType } from '#domain/training-sets/columns.ts';
import {
  type EntityEvents,
  type EntityRows,
  type JoinedView,
  joinPointInTime,
} from '#domain/training-sets/point-in-time-join.ts';
import type { SpineKeys } from '#domain/training-sets/spine-keys.ts';
import { orderByTime } from '#domain/training-sets/time-order.ts';
import type { RawEvent, Value } from '#domain/values/value.ts';

export interface SeenEvent {
  readonly event: RawEvent;
  readonly visible: number;
}

const coded = (values: readonly Value[]): CodedColumn => {
  const dictionary: string[] = [];
  const codes = Int32Array.from(values, (value) => {
    if (value === null) return -1;
    const found = dictionary.indexOf(value as string);
    return found >= 0 ? found : dictionary.push(value as string) - 1;
  });
  return { codes, values: dictionary };
};

/** @param entityOf −1 where the event has no row's entity */
const columnsOf = (
  source: SourceDefinition,
  events: readonly SeenEvent[],
  entityOf: (event: RawEvent) => number,
): EntityEvents => {
  const of = (pick: (seen: SeenEvent) => number): Float64Array => Float64Array.from(events, pick);
  const columns = Object.entries(sourceFields(source)).map(([name, type]) => {
    const values = events.map(({ event }) => event.row[name] ?? null);
    const column = (): ScannedColumn => {
      if (isNumberType(type))
        return Float64Array.from(values, (value) => (value === null ? Number.NaN : Number(value)));
      return type.base === 'string' && !type.array ? coded(values) : values;
    };
    return [name, column()] as const;
  });
  return {
    count: events.length,
    entities: Int32Array.from(events, ({ event }) => entityOf(event)),
    visible: of(({ visible }) => visible * 1000),
    eventTime: of(({ event }) => event.eventTime),
    partition: of(({ event }) => event.partition),
    offset: of(({ event }) => event.offset),
    columns: Object.fromEntries(columns),
  };
};

/** Joins a view with rows in any order. The events come in spans of this many. */
export const joinRows = (
  view: JoinedView,
  source: SourceDefinition,
  events: readonly SeenEvent[],
  spanEvents: number,
  { keys, ids }: SpineKeys,
  { times, halfOpen = false }: Pick<EntityRows, 'times' | 'halfOpen'>,
): void => {
  const order = orderByTime(times);
  const numbers = new Map(keys.map((key, entity) => [key, entity]));
  const entityOf = ({ row }: RawEvent): number => {
    const key = view.plan.keyOf(row);
    return key === null ? -1 : (numbers.get(key) ?? -1);
  };
  const outputs = view.outputs.map(({ feature, values, statuses }) => ({
    feature,
    values: values instanceof Float64Array ? values.slice() : [...values],
    ...(statuses === undefined ? {} : { statuses: statuses.slice() }),
  }));
  const marks = view.marks?.slice();
  const join = joinPointInTime(
    { ...view, outputs, ...(marks === undefined ? {} : { marks }) },
    {
      entities: keys.length,
      ids: Int32Array.from(order, (row) => ids[row] as number),
      times: Float64Array.from(order, (row) => times[row] as number),
      halfOpen,
    },
  );
  const sorted = events.toSorted((a, b) => a.visible - b.visible);
  const spans = Math.max(1, Math.ceil(sorted.length / spanEvents));
  for (let s = 0; s < spans; s++) {
    // In a span, events are in any order.
    const span = sorted.slice(s * spanEvents, (s + 1) * spanEvents).reverse();
    join.feed(columnsOf(source, span, entityOf), s === spans - 1);
  }
  order.forEach((row, i) => {
    for (const [o, output] of view.outputs.entries()) {
      const own = outputs[o] as (typeof outputs)[number];
      if (own.values instanceof Float64Array)
        (output.values as Float64Array)[row] = own.values[i] as number;
      else (output.values as Value[])[row] = own.values[i] as Value;
      if (output.statuses !== undefined) output.statuses[row] = own.statuses?.[i] as number;
    }
    if (view.marks !== undefined) view.marks[row] = marks?.[i] as number;
  });
};
